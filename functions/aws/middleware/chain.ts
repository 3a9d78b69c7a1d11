import middy, { type MiddlewareObj } from "@middy/core";
import type { Context } from "aws-lambda";

/** What Lambda calls. Without a third parameter, which would be a callback. */
export type LambdaHandler = (event: unknown, context: Context) => Promise<unknown>;

/** Lambda's context, with the time that is left as a signal that fires while there is still time to answer. */
export interface TimedContext extends Context {
  signal: AbortSignal;
}

export type Middleware = MiddlewareObj<unknown, unknown, Error, TimedContext>;

/**
 * A handler behind middlewares, which run in their order; what is thrown passes them the other way round.
 *
 * @param handler is given an event of the shape that a middleware saw to, and the signal that `deadline` made
 */
export function chain<Event = unknown>(
  middlewares: readonly Middleware[],
  handler: (event: Event, context: TimedContext) => Promise<unknown>,
): LambdaHandler {
  const chained = middy<unknown, unknown, Error, TimedContext>()
    .use([...middlewares])
    .handler((event, context) => handler(event as Event, context));
  return (event, context) => chained(event, context as TimedContext);
}
