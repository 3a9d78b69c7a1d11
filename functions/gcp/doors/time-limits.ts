import type { Environment } from "../../../core/platform.ts";

/** Milliseconds. */
export interface TimeLimits {
  /** For one invocation as a whole: a little less than the platform gives. */
  readonly invocationMs: number;
  /** For one operation. */
  readonly operationMs: number;
}

/** Seconds that the platform gives where nobody asks for another number. */
const usualSeconds = 60;
/** Milliseconds in which an operation that ran out of time is answered. */
const answerMs = 500;
/** Milliseconds for an operation at the most: nobody waits longer for one. */
const operationMs = 55_000;

/** @param env `CLOUD_RUN_TIMEOUT_SECONDS`, which the platform sets and the framework reads too */
export function timeLimits({ CLOUD_RUN_TIMEOUT_SECONDS: text }: Environment): TimeLimits {
  const seconds = Number.parseInt(text ?? "", 10);
  const invocationMs = (seconds > 0 ? seconds : usualSeconds) * 1_000 - answerMs;
  return { invocationMs, operationMs: Math.min(operationMs, invocationMs) };
}
