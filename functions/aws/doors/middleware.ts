import middy, { type MiddlewareObj } from "@middy/core";
import type { Context } from "aws-lambda";
import * as v from "valibot";
import { ArtifactRegistryError, BareError, toArtifactRegistryError } from "../../../core/errors.ts";

/** What Lambda calls. Without a third parameter, which would be a callback. */
export type LambdaHandler = (event: unknown, context: Context) => Promise<unknown>;

/** What a door needs to know of one invocation. */
export interface Invocation {
  readonly requestId: string;
  /** ARN of the function that was invoked. */
  readonly functionArn: string;
  /** Fires while there is still time to answer. */
  readonly signal: AbortSignal;
}

export type Middleware = MiddlewareObj<unknown, unknown, Error, Context>;

/** Milliseconds in which an operation that ran out of time is answered, before Lambda ends the process without a word. */
const answerMs = 500;

const early = {
  timeoutEarlyInMillis: answerMs,
  // middy would answer in the handler's place. The operation does so itself: it leaves its lease in order first.
  timeoutEarlyResponse: () => new Promise<never>(() => {}),
};

/**
 * A handler behind middlewares, which run in their order; what is thrown passes them the other way round.
 *
 * @param handler is given an event of the shape that a middleware saw to
 */
export function chain<Event = unknown>(
  middlewares: readonly Middleware[],
  handler: (event: Event, invocation: Invocation) => Promise<unknown>,
): LambdaHandler {
  return middy<unknown, unknown, Error, Context>(early)
    .use([...middlewares])
    .handler((event, { awsRequestId: requestId, invokedFunctionArn: functionArn }, { signal }) =>
      handler(event as Event, { requestId, functionArn, signal }),
    );
}

/**
 * Refuses an event of another shape than the door's: what a function takes is decided by its configuration, never by
 * what somebody sends it.
 *
 * @param takes what the door takes, for the message
 */
export function shape(schema: v.GenericSchema, takes: string): Middleware {
  return {
    before({ event }) {
      if (v.is(schema, event)) return;
      throw new ArtifactRegistryError("INVALID_INPUT", `This function takes ${takes}, and nothing else.`, {
        hint: "Each way in has a function of its own; ALIEN_DOOR names this one's.",
      });
    },
  };
}

/**
 * Throws every error in the form that callers can read, with nothing else in it. Lambda shows it to whoever called
 * directly: `FunctionError` is set, and the payload is
 * `{"errorType": <code>, "errorMessage": <the error as JSON>, "trace": []}`.
 *
 * @example
 * const { FunctionError, Payload } = await lambda.send(new InvokeCommand({ FunctionName, Payload: request }));
 * const answer = JSON.parse(Buffer.from(Payload).toString());
 * if (FunctionError) throw JSON.parse(answer.errorMessage); // { code, message, retryable, hint, requestId, … }
 */
export function throwErrors(): Middleware {
  return {
    onError(request) {
      const error = toArtifactRegistryError(request.error);
      // Put in its place, not thrown: to an error that is thrown here, middy ties the original one.
      request.error = new BareError(error.toWire(request.context.awsRequestId));
    },
  };
}
