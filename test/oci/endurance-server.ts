/** A registry whose clock is lost again and again, and that collects garbage all the time. `endurance.long.ts` starts it. */
import { join } from "node:path";
import { serveRegistry } from "../../oci/registry/index.ts";
import { followTokenKeys } from "../../oci/token/index.ts";

const { DATA_DIR = "" } = process.env;
const hourMs = 3_600_000;
const offsets = [0, hourMs, -hourMs, 400 * 24 * hourMs, -400 * 24 * hourMs];

let looks = 0;
/** Another time at every hundredth look. */
const clock = () => new Date(Date.now() + (offsets[Math.floor(looks++ / 100) % offsets.length] ?? 0));

try {
  const running = await serveRegistry({
    host: "127.0.0.1",
    port: 0,
    dataDir: DATA_DIR,
    key: followTokenKeys(join(DATA_DIR, "token.key")),
    clock,
    collect: { untaggedMs: 1_000, keepLast: 1, firstMs: 50, everyMs: 50 },
    verify: { everyMs: 1_000 },
    log: (message, cause) => console.error(`${message}:`, cause ?? ""),
  });
  process.once("SIGTERM", () => void running.close().then(() => process.exit(0)));
  console.log(`The registry listens on ${running.url}.`);
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
