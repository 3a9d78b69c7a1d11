import type { Access } from "../../../../oci/token/index.ts";
import { AzureError } from "../errors.ts";
import type { Answer } from "../http/answer.ts";
import type { Registry } from "./registry.ts";

/** How a registry writes its errors. */
export function registryForm({ status, code, message, headers, detail }: AzureError): Answer {
  const body = { errors: [{ code, message, ...(detail === undefined ? {} : { detail }) }] };
  return { status, body, headers: { "Docker-Distribution-Api-Version": "registry/2.0", ...headers } };
}

const MESSAGE = "authentication required, visit https://aka.ms/acr/authorization for more information.";

/** 401 of the token service. */
export const unauthorized = (message = MESSAGE) => new AzureError(401, "UNAUTHORIZED", message);

/**
 * 401 of `/v2` and `/acr/v1`, which says where to get a token, and for what. Clients repeat the call with one; `base` is
 * the URL that the registry was reached by.
 */
export function challenge(
  { loginServer }: Registry,
  base: string,
  wanted: Access | undefined,
  isKnown: boolean,
): AzureError {
  const scope = wanted && `${wanted.type}:${wanted.name}:${wanted.actions.join(",")}`;
  const parts = [`realm="${base}/oauth2/token"`, `service="${loginServer}"`];
  if (scope !== undefined) parts.push(`scope="${scope}"`);
  if (isKnown) parts.push('error="insufficient_scope"');
  const detail = wanted?.actions.map((Action) => ({ Type: wanted.type, Name: wanted.name, Action }));
  return new AzureError(401, "UNAUTHORIZED", MESSAGE, {
    headers: { "Www-Authenticate": `Bearer ${parts.join(",")}` },
    detail: detail ?? null,
  });
}

export function unknownRepository(name: string): AzureError {
  return new AzureError(404, "NAME_UNKNOWN", "repository name not known to registry", { detail: { name } });
}
