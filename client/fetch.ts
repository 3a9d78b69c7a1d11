import { accessSync, constants } from "node:fs";
import { createHttpClient } from "../core/http-client.ts";
import { type Environment, invalidBinding } from "./binding.ts";

/** Far more than the longest page of a list. */
const answerAtMost = 64 * 1024 * 1024;

/**
 * Makes a `fetch` that goes through the proxies of `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, which Node's own does not. As in
 * Go's programs, no proxy leads to this machine itself.
 *
 * @param caFile PEM file of the CAs to trust instead of those of Node, and of `NODE_EXTRA_CA_CERTS`
 * @throws BINDING_CONFIG_INVALID when that file cannot be read
 */
export function createFetch(env: Environment, caFile?: string): typeof fetch {
  if (caFile !== undefined && !isReadable(caFile)) throw invalidBinding(`The file ${caFile}`, "cannot be read.");
  const noProxy = [env.no_proxy || env.NO_PROXY, "localhost", "127.0.0.0/8", "[::1]"].filter(Boolean).join();
  return createHttpClient({ env: { ...env, no_proxy: noProxy }, caFile, answerAtMost }).fetch;
}

function isReadable(file: string): boolean {
  try {
    accessSync(file, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
