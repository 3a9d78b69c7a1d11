import type { Platform } from "../../core/platform.ts";
import { localPlatform } from "./platform.ts";

export { keyFile, openCredentials, rotateKey } from "./credentials.ts";
export { localPlatform } from "./platform.ts";

export const platform: Platform = localPlatform({ registryUrl: "http://127.0.0.1:5050", dataDir: ".data" });

/** Runs the local server in this process. @returns false if it could not start; the reason has been printed */
export async function serve(...of: Parameters<typeof import("./run.ts")["run"]>): Promise<boolean> {
  return (await import("./run.ts")).run(...of);
}

type Upkeep = typeof import("./upkeep.ts");

/** Reads everything that a data folder keeps, and sets aside what is damaged. Whoever only calls the registry does not load this. */
export async function verify(...of: Parameters<Upkeep["verify"]>): ReturnType<Upkeep["verify"]> {
  return (await import("./upkeep.ts")).verify(...of);
}

/** Removes untagged images of a data folder, and blobs that no image needs. */
export async function collect(...of: Parameters<Upkeep["collect"]>): ReturnType<Upkeep["collect"]> {
  return (await import("./upkeep.ts")).collect(...of);
}
