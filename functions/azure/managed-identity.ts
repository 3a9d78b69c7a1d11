import { ArtifactRegistryError } from "../../core/errors.ts";
import { createHttpClient, type HttpAnswer, jsonOf } from "../../core/http-client.ts";
import type { Environment } from "../../core/platform.ts";

/** A token of Entra ID, and when it ends in milliseconds since 1970. */
export interface EntraToken {
  readonly token: string;
  readonly expiresOnTimestamp: number;
}

/** Where the platform gives tokens of the function's managed identity. */
interface Endpoint {
  readonly url: string;
  readonly secret: string;
  /** The client id of a user-assigned identity; absent for the function's system-assigned one. */
  readonly clientId: string | undefined;
}

/**
 * The managed identity that App Service, Azure Functions or Container Apps give to this process. One request gets a token (Microsoft Learn,
 * "How to use managed identities for App Service and Azure Functions", "REST endpoint reference"). Microsoft's library would do the same, and
 * would be more than half of what a cold request for credentials loads.
 *
 * @param env `IDENTITY_ENDPOINT` and `IDENTITY_HEADER`, which the platform sets, and `AZURE_CLIENT_ID`
 * @returns undefined where the platform gives none
 */
export function managedIdentity(
  env: Environment,
): ((resource: string, signal?: AbortSignal) => Promise<EntraToken>) | undefined {
  const { IDENTITY_ENDPOINT: url, IDENTITY_HEADER: secret, AZURE_CLIENT_ID: clientId } = env;
  if (!url || !secret) return undefined;
  const endpoint = { url, secret, clientId: clientId || undefined };
  return async (resource, signal) => {
    const key = JSON.stringify([endpoint, resource]);
    const known = kept.get(key);
    if (known !== undefined && known.expiresOnTimestamp - marginMs > Date.now()) return known;
    const token = await requestToken(endpoint, resource, signal);
    kept.set(key, token);
    return token;
  };
}

/** Every registry of a process has the same identity, so they share its tokens. */
const kept = new Map<string, EntraToken>();

/** A token is not used in the last milliseconds of its life, because the requests that carry it take time, too. */
const marginMs = 5 * 60_000;

// The endpoint is on this machine, so no proxy leads to it.
const http = createHttpClient();

async function requestToken(
  { url, secret, clientId }: Endpoint,
  resource: string,
  signal: AbortSignal | undefined,
): Promise<EntraToken> {
  const target = new URL(url);
  target.searchParams.set("api-version", "2019-08-01");
  target.searchParams.set("resource", resource);
  if (clientId !== undefined) target.searchParams.set("client_id", clientId);
  const answer = await http
    .request(target, { headers: { "x-identity-header": secret }, signal })
    .catch((cause: unknown) => {
      signal?.throwIfAborted();
      throw unavailable(cause);
    });
  if (answer.status === 429) {
    throw new ArtifactRegistryError("RATE_LIMIT_EXCEEDED", `${what}: the request was throttled.`, { retryable: true });
  }
  if (answer.status >= 500) throw unavailable();
  const token = answer.status === 200 ? readToken(answer) : undefined;
  if (token === undefined) throw noToken();
  return token;
}

function readToken(answer: HttpAnswer): EntraToken | undefined {
  const { access_token: token, expires_on: expiresOn } = Object(jsonOf(answer)) as Record<string, unknown>;
  // Seconds since 1970, as text.
  const expiresOnTimestamp = Number(expiresOn) * 1_000;
  if (typeof token !== "string" || token === "" || !(expiresOnTimestamp > 0)) return undefined;
  return { token, expiresOnTimestamp };
}

const what = "The function's own token";

function unavailable(cause?: unknown): ArtifactRegistryError {
  return new ArtifactRegistryError("SERVICE_UNAVAILABLE", `${what}: the identity endpoint does not answer.`, {
    retryable: true,
    cause,
  });
}

function noToken(): ArtifactRegistryError {
  return new ArtifactRegistryError("BINDING_CONFIG_INVALID", "The function gets no token for its managed identity.", {
    hint: "Assign the identity to the function. Name a user-assigned one by its client id in AZURE_CLIENT_ID.",
  });
}
