import type { Call } from "../../core/call.ts";
import type { Environment } from "../../core/platform.ts";
import type { OwnIdentity } from "./auth.ts";
import { googleCode, translateGoogleError } from "./errors.ts";

export interface RestRequest {
  /** Names the request in errors, as `IAM CreateServiceAccount`. */
  readonly what: string;
  readonly url: string;
  readonly method?: "GET" | "POST" | "DELETE";
  readonly data?: object;
  /** The permission that the request requires, and on what. */
  readonly needs: string;
  /** The codes that the caller of this function handles: such an error is thrown untranslated. */
  readonly expected?: readonly number[];
}

/** Milliseconds after which the client gives up a request. The core has usually done so before. */
const timeoutMs = 10_000;

/** Sends one request to a JSON API of Google's, under the function's own identity. It loads neither gax nor gRPC. */
export function rest<T>(
  identity: OwnIdentity,
  call: Call,
  { what, url, method = "GET", data, needs, expected = [] }: RestRequest,
): Promise<T> {
  return call.upstream(what, async (signal) => {
    const client = await identity.client();
    signal.throwIfAborted();
    try {
      // The core repeats requests, so the client does not. The client is not given the signal: when one is aborted before
      // a request with a body is sent, node-fetch ends the process.
      const answer = await client.request<T>({ url, method, timeout: timeoutMs, retry: false, ...(data && { data }) });
      return answer.data;
    } catch (error) {
      signal.throwIfAborted();
      const code = googleCode(error);
      if (code !== undefined && expected.includes(code)) throw error;
      throw translateGoogleError(error, what, needs);
    }
  });
}

/** The address of an API: Google's host, unless the variable of the environment names another. */
export function endpointOf(env: Environment, variable: string, host: string): string {
  return (env[variable] || `https://${host}`).replace(/\/+$/, "");
}
