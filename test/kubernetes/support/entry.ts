import { runServer } from "../../../functions/kubernetes/server/serve.ts";
import { localPlatform } from "../../../functions/local/index.ts";

/** The container's entry over local registries, which need no server of their own to mint. */
await runServer(localPlatform({ registryUrl: "http://127.0.0.1:5050", dataDir: process.env.DATA_DIR ?? "" }));
