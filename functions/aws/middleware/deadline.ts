import type { Middleware } from "./chain.ts";

/** Milliseconds in which an operation that ran out of time is answered, before Lambda ends the process without a word. */
const answerMs = 500;

/** Turns the function's remaining time into a signal, so that whoever waits gets an answer and not a killed function. */
export function deadline(): Middleware {
  return {
    before({ context }) {
      const left = Math.floor(context.getRemainingTimeInMillis()) - answerMs;
      context.signal = AbortSignal.timeout(Math.max(0, left));
    },
  };
}
