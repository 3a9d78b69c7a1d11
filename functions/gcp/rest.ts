import type { Call } from "../../core/call.ts";
import { jsonOf } from "../../core/http-client.ts";
import type { Environment } from "../../core/platform.ts";
import type { OwnIdentity } from "./auth.ts";
import { GoogleRefusal, googleCode, translateGoogleError } from "./errors.ts";

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

/** Sends one request to a JSON API of Google's, under the function's own identity. It loads none of Google's libraries on Cloud Run. */
export function rest<T>(
  identity: OwnIdentity,
  call: Call,
  { what, url, method = "GET", data, needs, expected = [] }: RestRequest,
): Promise<T> {
  const sent = data && { headers: { "content-type": "application/json" }, body: JSON.stringify(data) };
  return call.upstream(what, async (signal) => {
    try {
      const answer = await identity.request(url, { method, signal, ...sent });
      if (answer.status >= 200 && answer.status < 300) return jsonOf(answer) as T;
      throw new GoogleRefusal(answer);
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
