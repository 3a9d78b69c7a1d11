import { readFileSync } from "node:fs";
import { join } from "node:path";
import { bindingVariable } from "../../core/platform.ts";
import type { Environment } from "../binding.ts";
import { tryParseObject } from "../json.ts";
import { boundRegistries } from "./connecting.ts";

/**
 * Adds to the environment what a local server has written about itself into its data folder (`DATA_DIR`, or `.data`), so that commands
 * in the folder of `npm start` need no setting. An environment that binds a registry or names a profile already stays as it is.
 */
export function withRunningServer(env: Environment): Environment {
  if (env.ALIEN_PROFILE || boundRegistries(env).length > 0) return env;
  const { url, registries, callerToken } = tryParseObject(read(join(env.DATA_DIR || ".data", "server.json"))) ?? {};
  // A folder may come from anybody. What it says leads to this machine alone.
  if (typeof url !== "string" || !/^http:\/\/(127\.0\.0\.1|localhost|\[::1\]):\d+$/.test(url)) return env;
  if (!Array.isArray(registries) || !registries.every((name) => /^[A-Za-z0-9_-]{1,64}$/.test(name))) return env;
  const binding = JSON.stringify({ service: "function", url, platform: "local" });
  return {
    ...env,
    ...Object.fromEntries(registries.map((name) => [bindingVariable(name), binding])),
    ...(typeof callerToken === "string" && { ALIEN_CALLER_TOKEN: callerToken }),
  };
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
