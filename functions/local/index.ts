import type { Environment, Platform } from "../../core/platform.ts";
import { localPlatform } from "./platform.ts";

export { keyFile, openCredentials, rotateKey } from "./credentials.ts";
export { localPlatform } from "./platform.ts";

export { collect, verify } from "./upkeep.ts";

export const platform: Platform = localPlatform({ registryUrl: "http://127.0.0.1:5050", dataDir: ".data" });

/** Runs the local server in this process. @returns false if it could not start; the reason has been printed */
export async function serve(env: Environment): Promise<boolean> {
  return (await import("./run.ts")).run(env);
}
