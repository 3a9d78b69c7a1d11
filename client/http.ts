import { race } from "../core/call.ts";
import { ArtifactRegistryError } from "../core/errors.ts";
import { defaultRetry, retrying } from "../core/waiting.ts";
import type { Authenticate } from "./auth/proof.ts";
import { errorFrom, errorFromLambda } from "./errors.ts";
import { parsed } from "./json.ts";

export interface CallOptions {
  /** Ends the call, and the wait between two tries. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds for the call with all its tries. */
  readonly timeoutMs?: number | undefined;
}

export interface Target {
  readonly url: string;
  readonly body: string;
  readonly authenticate: Authenticate;
  readonly fetch: typeof fetch;
}

export const defaultTimeoutMs = 60_000;

/**
 * One call over HTTP. Every operation is idempotent, so that whatever may have been lost is sent again.
 *
 * @throws ArtifactRegistryError: the function's own, or what the platform before it said; TIMEOUT when the time or the
 *   caller's patience has run out
 */
export function post(target: Target, options: CallOptions): Promise<object> {
  return withinLimits((signal) => once(target, signal), options);
}

/**
 * Tries again what is retryable, until the time has run out.
 *
 * @throws what the last try threw, what the caller aborted with, or TIMEOUT
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
    // What the caller aborted throws what the caller gave as its reason, as fetch does.
    if (signal?.aborted) throw signal.reason;
    if (limit.aborted) throw timedOut(timeoutMs, error);
    throw error;
  }
}

async function once({ url, body, authenticate, fetch }: Target, signal: AbortSignal): Promise<object> {
  const unsigned = { method: "POST", url, body, signal, headers: { "content-type": "application/json" } } as const;
  // Libraries that look for an identity heed no signal.
  const headers = await race(authenticate(unsigned), signal);
  let response: Response;
  let text: string;
  try {
    // A redirect would take the token, or lose the body: none of our doors answers with one.
    response = await fetch(url, { method: "POST", headers, body, signal, redirect: "manual" });
    text = await response.text();
  } catch (cause) {
    if (signal.aborted) throw cause;
    throw new ArtifactRegistryError("SERVICE_UNAVAILABLE", `The function at ${new URL(url).host} cannot be reached.`, {
      retryable: true,
      hint: "See that the URL is right and the network lets you through.",
      cause,
    });
  }
  if (!response.ok) throw errorFrom(response.status, response.headers, text);
  if (response.headers.has("x-amz-function-error")) throw errorFromLambda(response.headers, text);
  const answer = parsed(text);
  if (typeof answer === "object" && answer && !Array.isArray(answer)) return answer;
  throw new ArtifactRegistryError("UNEXPECTED_RESPONSE_FORMAT", "The function's answer is no JSON object.", {
    hint: "See that the URL is the function's.",
  });
}

function timedOut(timeoutMs: number, cause: unknown): ArtifactRegistryError {
  return new ArtifactRegistryError("TIMEOUT", `The function did not answer within ${timeoutMs} ms.`, {
    retryable: true,
    hint: "It may or may not have been applied; the same call again is safe.",
    cause,
  });
}
