import { platform } from "./index.ts";
import { runServer } from "./server/serve.ts";

/** The entry of the container. */
await runServer(platform);
