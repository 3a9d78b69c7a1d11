import type { Environment, Platform } from "../../core/platform.ts";
import { localPlatform } from "./platform.ts";

type Upkeep = typeof import("./upkeep.ts");

export { keyFile, openCredentials, rotateKey } from "./credentials.ts";
export { localPlatform } from "./platform.ts";

export const platform: Platform = localPlatform({ registryUrl: "http://127.0.0.1:5050", dataDir: ".data" });

/** Runs the local server in this process. @returns false if it could not start; the reason has been printed */
export async function serve(env: Environment): Promise<boolean> {
  return (await import("./run.ts")).run(env);
}

/** As {@link import("./upkeep.ts").verify}. The store is loaded for it alone. */
export const verify: Upkeep["verify"] = async (...given) => (await import("./upkeep.ts")).verify(...given);

/** As {@link import("./upkeep.ts").collect}. */
export const collect: Upkeep["collect"] = async (...given) => (await import("./upkeep.ts")).collect(...given);
