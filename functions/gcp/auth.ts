import type { AuthClient } from "google-auth-library";
import { ArtifactRegistryError } from "../../core/errors.ts";
import { createHttpClient, type HttpAnswer, type HttpRequestOptions, jsonOf } from "../../core/http-client.ts";
import { once } from "../../core/once.ts";
import type { Environment } from "../../core/platform.ts";
import { GoogleRefusal, translateGoogleError } from "./errors.ts";

/** The widest scope. Artifact Registry documents no narrower one that may push; IAM limits what a token opens. */
export const cloudPlatform = "https://www.googleapis.com/auth/cloud-platform";

/** The function's own identity. */
export interface OwnIdentity {
  /**
   * Sends one request under this identity. Its token is fetched first, so that a failure to get one is not mistaken for that of the request.
   *
   * @throws BINDING_CONFIG_INVALID where the function has no identity; what the HTTP client throws
   */
  request(url: string, options: HttpRequestOptions): Promise<HttpAnswer>;
  /**
   * A client of Google's library under this identity, for Google's own clients. It has fetched its token.
   *
   * @throws BINDING_CONFIG_INVALID where the function has no identity
   */
  client(): Promise<AuthClient>;
}

export function createOwnIdentity(env: Environment): OwnIdentity {
  const metadataHost = env.GCE_METADATA_HOST || (env.K_SERVICE && "169.254.169.254");
  // A key file comes before the platform's own identity, as everywhere with Google.
  return metadataHost && !env.GOOGLE_APPLICATION_CREDENTIALS ? ofMetadata(metadataHost, env) : ofLibrary(env);
}

/** The account that the function runs as, whose tokens the metadata server gives. */
function ofMetadata(host: string, env: Environment): OwnIdentity {
  const http = createHttpClient({ env });
  const own = metadataTokens(host);
  return {
    async request(url, options) {
      const { token, forget } = await own();
      options.signal?.throwIfAborted();
      const headers = { ...options.headers, authorization: `Bearer ${token}` };
      const answer = await http.request(url, { ...options, headers });
      // Whatever ended it before its time, the next request asks for another one.
      if (answer.status === 401) forget();
      return answer;
    },
    async client() {
      await own();
      // The package's index would load every kind of identity that there is. Of a CommonJS package that is loaded lazily, a
      // bundle has the default export only.
      const { default: library } = await import("google-auth-library/build/src/auth/oauth2client.js");
      const client = new library.OAuth2Client({ eagerRefreshThresholdMillis: marginMs });
      client.refreshHandler = async () => {
        const { token, endsAt } = await own();
        return { access_token: token, expiry_date: endsAt };
      };
      return client;
    },
  };
}

/** Whoever Google's library finds: of a key file, of gcloud, of another cloud's tokens. */
function ofLibrary(env: Environment): OwnIdentity {
  const http = createHttpClient({ env });
  const found = once(async () => {
    const { default: library } = await import("google-auth-library");
    return new library.GoogleAuth({ scopes: [cloudPlatform] }).getClient();
  });
  const client = async (): Promise<AuthClient> => {
    const search = found();
    try {
      const client = await search;
      await client.getAccessToken();
      return client;
    } catch (error) {
      // The next call searches again: by then the file that the identity comes from may have been mended.
      found.forget(search);
      throw translateIdentityError(error);
    }
  };
  return {
    client,
    async request(url, options) {
      const own = Object.fromEntries(await (await client()).getRequestHeaders(url));
      options.signal?.throwIfAborted();
      return http.request(url, { ...options, headers: { ...options.headers, ...own } });
    },
  };
}

/** Milliseconds: a token is not used in the last part of its life, in which the metadata server may give a new one. */
const marginMs = 225_000;
/** A token, and its end in milliseconds since 1970. */
interface Token {
  readonly token: string;
  readonly endsAt: number;
}

/** Milliseconds that the metadata server, which is on the same machine, may take. */
const metadataMs = 10_000;

/**
 * The tokens of the account that the function runs as (Google Cloud, "About VM metadata" and "Access tokens for applications"). One request gets
 * one; Google's library would do the same, and be most of what a cold request for credentials loads.
 *
 * @param host of the metadata server
 */
function metadataTokens(host: string) {
  // No proxy leads to it.
  const http = createHttpClient();
  const base = /^https?:\/\//.test(host) ? host : `http://${host}`;
  const url = new URL("/computeMetadata/v1/instance/service-accounts/default/token", base);
  url.searchParams.set("scopes", cloudPlatform);
  // Everybody who asks at the same time gets the answer of one request, which nobody's own end ends.
  const asked = once(async (): Promise<Token> => {
    const askedAt = Date.now();
    const headers = { "metadata-flavor": "Google" };
    const answer = await http.request(url, { headers, signal: AbortSignal.timeout(metadataMs) });
    // Whatever answers without this header is not the metadata server.
    if (answer.status !== 200 || answer.headers["metadata-flavor"] !== "Google") throw new GoogleRefusal(answer);
    const { access_token: token, expires_in: expiresIn } = Object(jsonOf(answer)) as Record<string, unknown>;
    const seconds = Number(expiresIn);
    if (typeof token !== "string" || token === "" || !(seconds > 0)) throw new Error("an answer without a token");
    return { token, endsAt: askedAt + seconds * 1_000 };
  });
  return async (): Promise<Token & { forget(): void }> => {
    try {
      let load = asked();
      if ((await load).endsAt - marginMs <= Date.now()) {
        asked.forget(load);
        load = asked();
      }
      return { ...(await load), forget: () => asked.forget(load) };
    } catch (error) {
      throw translateIdentityError(error);
    }
  };
}

function translateIdentityError(error: unknown): unknown {
  const translated = translateGoogleError(error, "The function's own token", "an identity");
  if (!(translated instanceof ArtifactRegistryError) || translated.retryable) return translated;
  return new ArtifactRegistryError("BINDING_CONFIG_INVALID", "The function has no Google Cloud identity.", {
    hint: "Run it under a service account, or set GOOGLE_APPLICATION_CREDENTIALS.",
    cause: error,
  });
}
