import type { Environment, Platform } from "../../core/platform.ts";
import { localPlatform } from "./platform.ts";

export { keyFile, localPlatform } from "./platform.ts";

export const platform: Platform = localPlatform({ registryUrl: "http://127.0.0.1:5050", dataDir: ".data" });

/** The local server in this process, loaded when it is asked for. @returns false when it could not start, and said why */
export async function serve(env: Environment): Promise<boolean> {
  return (await import("./run.ts")).run(env);
}
