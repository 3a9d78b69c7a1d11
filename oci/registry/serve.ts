/**
 * Runs the registry alone: `node oci/registry/serve.ts`.
 *
 * The environment may set REGISTRY_PORT (5050), HOST (127.0.0.1), DATA_DIR (.data), PUBLIC_URL if clients reach the
 * registry at another address, and ACCESS_LOG=off for no line about each request. The key in DATA_DIR/token.key signs the tokens that `node oci/token/mint.ts` makes;
 * DATA_DIR/revoked.json is the list of what was revoked.
 */
import { join } from "node:path";
import { followRevocations, followTokenKeys } from "../token/index.ts";
import { bindRegistry } from "./server.ts";

const { REGISTRY_PORT = "5050", HOST = "127.0.0.1", DATA_DIR = ".data", PUBLIC_URL } = process.env;

try {
  const port = Number(REGISTRY_PORT);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error("REGISTRY_PORT must be a port number.");
  const keys = followTokenKeys(join(DATA_DIR, "token.key"), (error) =>
    console.error("The keys were not changed:", error),
  );
  const bound = await bindRegistry({ host: HOST, port });
  // A file that holds no key must end the start.
  await keys();
  const running = await bound.open({
    dataDir: DATA_DIR,
    key: keys,
    revocations: followRevocations(join(DATA_DIR, "revoked.json")),
    ...(PUBLIC_URL === undefined ? {} : { publicUrl: PUBLIC_URL }),
    ...(process.env.ACCESS_LOG !== "off" && { access: (line) => console.log(JSON.stringify(line)) }),
    log: (message, cause) => console.error(`${message}:`, cause ?? ""),
  });
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.once(signal, () => void running.close().then(() => process.exit(0)));
  }
  console.log(`The registry listens on ${running.url}.`);
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
