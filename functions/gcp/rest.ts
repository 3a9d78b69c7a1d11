import type { Call } from "../../core/call.ts";
import type { Environment } from "../../core/platform.ts";
import type { OwnIdentity } from "./auth.ts";
import { googleCode, translateGoogleError } from "./errors.ts";

export interface RestRequest {
  /** As errors name it, as `IAM CreateServiceAccount`. */
  readonly what: string;
  readonly url: string;
  readonly method?: "GET" | "POST" | "DELETE";
  readonly data?: object;
  /** The permission without which it is denied, and on what. */
  readonly needs: string;
  /** Codes that mean something to the caller of this function: such an error passes as it is. */
  readonly expected?: readonly number[];
}

/** Milliseconds after which the client gives a request up that the core did not give up before. */
const timeoutMs = 10_000;

/** One request to a JSON API of Google's under the function's own identity. It loads neither gax nor gRPC. */
export function rest<T>(
  identity: OwnIdentity,
  call: Call,
  { what, url, method = "GET", data, needs, expected = [] }: RestRequest,
): Promise<T> {
  return call.upstream(what, async (signal) => {
    const client = await identity.client();
    signal.throwIfAborted();
    try {
      // Repeating is the core's. The signal stays here: node-fetch ends the process where one is aborted before a request
      // with a body is sent.
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

/** Where an API is: at Google's, or where its variable points. */
export function endpointOf(env: Environment, variable: string, host: string): string {
  return (env[variable] || `https://${host}`).replace(/\/+$/, "");
}
