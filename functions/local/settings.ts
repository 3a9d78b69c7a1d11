import { randomBytes } from "node:crypto";
import { resolve } from "node:path";
import type { Environment } from "../../core/platform.ts";
import { readPort, requireOwnDoor, settingRefused } from "../../core/server/settings.ts";

/** What the local server is told by its environment. */
export interface Settings {
  readonly host: string;
  readonly port: number;
  readonly registryPort: number;
  readonly dataDir: string;
  /** URL of the registry as clients reach it, where that is not `http://{host}:{registryPort}`. */
  readonly registryUrl: string | undefined;
  readonly callerToken: string;
  /** Whether the token was made here and must be shown. */
  readonly callerTokenIsNew: boolean;
}

/** @throws BINDING_CONFIG_INVALID naming the variable */
export function readSettings(env: Environment): Settings {
  requireOwnDoor(env, "Without it callers send the caller token; with it, a token of an issuer in ALIEN_OIDC_ISSUERS.");
  const given = env.ALIEN_CALLER_TOKEN;
  if (given !== undefined && !/^[\x21-\x7e]{8,512}$/.test(given)) {
    throw settingRefused("ALIEN_CALLER_TOKEN must be 8 to 512 visible characters without spaces.");
  }
  const registryUrl = env.REGISTRY_URL || undefined;
  if (registryUrl !== undefined && !(URL.canParse(registryUrl) && /^https?:$/.test(new URL(registryUrl).protocol))) {
    throw settingRefused("REGISTRY_URL must be an http or https URL.");
  }
  return {
    host: env.HOST || "127.0.0.1",
    port: readPort(env, "PORT", 8080),
    registryPort: readPort(env, "REGISTRY_PORT", 5050),
    dataDir: resolve(env.DATA_DIR || ".data"),
    registryUrl,
    callerToken: given ?? randomBytes(24).toString("base64url"),
    callerTokenIsNew: given === undefined,
  };
}
