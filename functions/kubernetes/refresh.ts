/** The entry of the CronJob that keeps an imagePullSecret fresh. With the argument `print` it prints the manifest instead. */
import { writeStdoutWhole } from "../../core/stdout.ts";
import { platform } from "./index.ts";
import { runRefresh } from "./pull-secret/run.ts";

writeStdoutWhole();
process.exitCode = await runRefresh(platform, process.env, process.argv.slice(2));
