import { execFileSync } from "node:child_process";
import { join } from "node:path";

/** Runs before the first file of `npm run test:e2e`: several files use one bundle at the same time, and a build deletes it first. */
export function setup(): void {
  execFileSync(process.execPath, ["scripts/build.ts"], { cwd: join(import.meta.dirname, "../.."), stdio: "inherit" });
  process.env.BUNDLES_ARE_BUILT = "1";
}
