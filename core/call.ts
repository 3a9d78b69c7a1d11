import type { Caller } from "./caller.ts";
import { ArtifactRegistryError } from "./errors.ts";
import type { EventTime } from "./event-time.ts";
import { defaultRetry, type RetryPolicy, retrying } from "./waiting.ts";

/** One operation in progress, as an adapter sees it. */
export interface Call {
  readonly requestId: string;
  readonly caller: Caller;
  /** Aborted when the whole operation has run out of time or the caller has gone. */
  readonly signal: AbortSignal;
  /** For events: the time of the event. What was revoked after it must not come back. */
  readonly asOf?: EventTime;
  now(): Date;
  /**
   * Sends a request to the platform, and repeats it if its error is retryable. Every try is counted for the audit log, and
   * limited in time. Adapters have no other way to the platform.
   *
   * @param what names the request in errors, as `ECR CreateRepository`
   * @param request sends it once; it is given the signal that ends this try
   * @throws TIMEOUT (retryable) when the request or the whole operation ran out of time, or else what the last try threw
   *
   * @example
   * const { repositories } = await call.upstream("ECR DescribeRepositories", (abortSignal) =>
   *   client.send(new DescribeRepositoriesCommand({}), { abortSignal }),
   * );
   */
  upstream<T>(what: string, request: (signal: AbortSignal) => Promise<T>, options?: UpstreamOptions): Promise<T>;
}

/** How one request is sent, where it differs from the other requests of the operation. */
export interface UpstreamOptions {
  /** Milliseconds for one try. */
  readonly timeoutMs?: number;
  /** Default: that of the operation. */
  readonly retry?: RetryPolicy;
}

/** What a call is made of. */
export interface CallOptions {
  readonly requestId: string;
  readonly caller: Caller;
  readonly signal: AbortSignal;
  readonly asOf?: EventTime;
  readonly now: () => Date;
  /** Milliseconds for one upstream request. Default 10,000. */
  readonly upstreamTimeoutMs?: number;
  /** How requests are repeated. Default: `defaultRetry`. */
  readonly retry?: RetryPolicy;
}

/** A call that knows how many requests it has sent upstream. */
export interface CountedCall extends Call {
  readonly upstreamCalls: number;
}

/**
 * Starts the call of one operation.
 *
 * @param options `signal` ends the operation as a whole, with whatever request is under way
 *
 * @example
 * const call = startCall({ requestId, caller, signal: AbortSignal.timeout(25_000), now: () => new Date() });
 */
export function startCall(options: CallOptions): CountedCall {
  let upstreamCalls = 0;
  const { requestId, caller, signal, now } = options;
  return {
    requestId,
    caller,
    signal,
    now,
    ...(options.asOf && { asOf: options.asOf }),
    get upstreamCalls() {
      return upstreamCalls;
    },
    upstream(
      what,
      request,
      { timeoutMs = options.upstreamTimeoutMs ?? 10_000, retry = options.retry ?? defaultRetry } = {},
    ) {
      const attempt = async () => {
        if (signal.aborted) throw timedOut(what, signal.reason);
        upstreamCalls++;
        const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
        try {
          return await race(request(limit), limit);
        } catch (error) {
          if (limit.aborted && !(error instanceof ArtifactRegistryError)) throw timedOut(what, error);
          throw error;
        }
      };
      return retrying(attempt, signal, retry).catch((error: unknown) => {
        // The operation ended while we waited for the next try.
        if (signal.aborted && !(error instanceof ArtifactRegistryError)) throw timedOut(what, error);
        throw error;
      });
    },
  };
}

/**
 * Waits for the request, and stops waiting as soon as the signal fires, even if the request ignores the signal.
 *
 * @throws what the request throws, or the signal's reason
 */
export async function race<T>(request: Promise<T>, signal: AbortSignal): Promise<T> {
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    // A signal that has fired already does not fire again.
    if (signal.aborted) onAbort();
  });
  try {
    return await Promise.race([request, aborted]);
  } finally {
    if (onAbort) signal.removeEventListener("abort", onAbort);
  }
}

function timedOut(what: string, cause: unknown): ArtifactRegistryError {
  return new ArtifactRegistryError("TIMEOUT", `${what} did not answer in time.`, {
    retryable: true,
    hint: "It may or may not have been applied. The same call again is safe.",
    cause,
  });
}
