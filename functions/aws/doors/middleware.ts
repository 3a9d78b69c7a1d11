import middy, { type MiddlewareObj } from "@middy/core";
import type { Context } from "aws-lambda";
import * as v from "valibot";
import { ArtifactRegistryError, BareError, toArtifactRegistryError } from "../../../core/errors.ts";

/** What Lambda calls. It has no third parameter, because Lambda would pass a callback there. */
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

/** Milliseconds in which we answer an operation that ran out of time. Then Lambda would end the process without a word. */
const answerMs = 500;

const early = {
  timeoutEarlyInMillis: answerMs,
  // Without this, middy would answer in the place of the operation, which must give its lease back before it answers.
  timeoutEarlyResponse: () => new Promise<never>(() => {}),
};

/**
 * Puts a handler behind middlewares. They run in the order of the list, and an error passes them in the reverse order.
 *
 * @param handler takes an event whose shape a middleware has checked
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
 * Refuses an event that does not have the door's shape. The configuration decides what a function takes, never the sender.
 *
 * @param takes what the door takes, for the message
 */
export function shape(schema: v.GenericSchema, takes: string): Middleware {
  return {
    before({ event }) {
      if (v.is(schema, event)) return;
      throw new ArtifactRegistryError("INVALID_INPUT", `This function takes ${takes}, and nothing else.`, {
        hint: "Each door has a function of its own, and ALIEN_DOOR names the door of this one.",
      });
    },
  };
}

/**
 * Throws every error in a form that callers can read, with nothing else in it. Lambda shows the error to whoever invoked
 * the function directly: `FunctionError` is set, and the payload is
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
      // We replace the error and do not throw, because middy attaches the original to an error that is thrown here.
      request.error = new BareError(error.toWire(request.context.awsRequestId));
    },
  };
}
