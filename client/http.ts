import { race } from "../core/call.ts";
import { ArtifactRegistryError } from "../core/errors.ts";
import { defaultRetry, retrying } from "../core/waiting.ts";
import type { Authenticate } from "./auth/proof.ts";
import { errorFrom, errorFromLambda } from "./errors.ts";
import { tryParseObject } from "./json.ts";

/** Limits of one call. */
export interface CallOptions {
  /** Ends the call, and the wait between two tries. The call then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds for the call with all its tries. Default: 60,000. */
  readonly timeoutMs?: number | undefined;
}

/** Where a request goes and what it says. */
export interface Target {
  readonly url: string;
  readonly body: string;
  readonly authenticate: Authenticate;
  readonly fetch: typeof fetch;
}

/** Milliseconds that a call may take, with all its tries. */
export const defaultTimeoutMs = 60_000;

/**
 * Makes one call over HTTP. Every operation is idempotent, so a request that may have been lost is sent again.
 *
 * @throws ArtifactRegistryError: that of the function, or of the platform in front of it; TIMEOUT when the time has run
 *   out; the reason of the caller's signal
 */
export function post(target: Target, options: CallOptions): Promise<object> {
  return withinLimits((signal) => sendOnce(target, signal), options);
}

/**
 * Tries until a try succeeds, fails with an error that is not retryable, or the time has run out.
 *
 * @throws what the last try threw, the reason of the caller's signal, or TIMEOUT
 */
export async function withinLimits<T>(
  attempt: (signal: AbortSignal) => Promise<T>,
  { signal, timeoutMs = defaultTimeoutMs }: CallOptions,
): Promise<T> {
  const limits = [AbortSignal.timeout(timeoutMs), ...(signal ? [signal] : [])];
  const limit = AbortSignal.any(limits);
  try {
    limit.throwIfAborted();
    return await retrying(() => attempt(limit), limit, { ...defaultRetry, baseMs: 200, capMs: 5_000 });
  } catch (error) {
    // As fetch does: a call that the caller ended rejects with the reason that the caller gave.
    if (signal?.aborted) throw signal.reason;
    if (!limit.aborted) throw error;
    throw new ArtifactRegistryError("TIMEOUT", `The function did not answer within ${timeoutMs} ms.`, {
      retryable: true,
      hint: "The call may have taken effect. Repeating it is safe.",
      cause: error,
    });
  }
}

async function sendOnce({ url, body, authenticate, fetch }: Target, signal: AbortSignal): Promise<object> {
  const unsigned = { method: "POST", url, body, signal, headers: { "content-type": "application/json" } } as const;
  // Libraries that look for an identity ignore the signal.
  const headers = await race(authenticate(unsigned), signal);
  let response: Response;
  let text: string;
  try {
    // A redirect would carry the token elsewhere, or lose the body. None of our doors sends one.
    response = await fetch(url, { method: "POST", headers, body, signal, redirect: "manual" });
    text = await response.text();
  } catch (cause) {
    if (signal.aborted) throw cause;
    throw new ArtifactRegistryError("SERVICE_UNAVAILABLE", `The function at ${new URL(url).host} cannot be reached.`, {
      retryable: true,
      hint: "Check the URL, the network, HTTPS_PROXY, and whether the CA of the certificate is trusted.",
      cause,
    });
  }
  if (!response.ok) throw errorFrom(response.status, response.headers, text);
  if (response.headers.has("x-amz-function-error")) throw errorFromLambda(response.headers, text);
  const answer = tryParseObject(text);
  if (answer !== undefined) return answer;
  throw new ArtifactRegistryError("UNEXPECTED_RESPONSE_FORMAT", "The answer is not a JSON object.", {
    hint: "Check the URL of the function.",
  });
}
