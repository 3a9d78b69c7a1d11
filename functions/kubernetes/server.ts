import { platform } from "./index.ts";
import { runServer } from "./server/run.ts";

/** The entry of the container. */
await runServer(platform);
