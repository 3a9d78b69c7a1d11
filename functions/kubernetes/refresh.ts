import { writeStdoutWhole } from "../../core/stdout.ts";
import { platform } from "./index.ts";
import { runRefresh } from "./pull-secret/run.ts";

/** The entry of the CronJob that keeps an imagePullSecret fresh; `print` writes the manifest instead. */
writeStdoutWhole();
process.exitCode = await runRefresh(platform, process.env, process.argv.slice(2));
