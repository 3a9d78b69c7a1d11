import type { Environment } from "../../binding.ts";
import { configFile, editConfig, helperFor, readConfig } from "./config-file.ts";
import { type Login, storeInHelper } from "./credential-helper.ts";

/**
 * Stores a login as `docker login` does: in the credential helper that Docker's configuration names for the host, else
 * in the configuration itself. All that others wrote there stays.
 *
 * @throws BINDING_CONFIG_INVALID when the configuration or the helper cannot be used
 */
export async function storeLogin(
  login: Login,
  env: Environment,
  signal: AbortSignal,
): Promise<{ readonly file: string; readonly helper?: string }> {
  const file = configFile(env);
  const helper = helperFor(await readConfig(file), login.host);
  if (helper !== undefined) await storeInHelper(helper, login, signal);
  const { username, password } = login;
  const auth = Buffer.from(`${username}:${password.reveal()}`).toString("base64");
  // Beside a helper the empty entry tells that there is a login, and takes an older password away.
  const entry = helper === undefined ? { auth } : {};
  await editConfig(file, (config) => ({ ...config, auths: { ...config.auths, [login.host]: entry } }), signal);
  return helper === undefined ? { file } : { file, helper };
}
