import { type ErrorJson, toArtifactRegistryError } from "../../../core/errors.ts";
import type { Middleware } from "./chain.ts";

/**
 * What a direct invocation that was refused ends with, as Lambda shows it to its caller: `FunctionError` is set, and the
 * payload is `{"errorType": <code>, "errorMessage": <the error as JSON>, "trace": []}`.
 *
 * @example
 * const { FunctionError, Payload } = await lambda.send(new InvokeCommand({ FunctionName, Payload: request }));
 * const answer = JSON.parse(Buffer.from(Payload).toString());
 * if (FunctionError) throw JSON.parse(answer.errorMessage); // { code, message, retryable, hint, requestId, … }
 */
export class InvocationError extends Error {
  constructor(error: ErrorJson) {
    super(JSON.stringify(error));
    this.name = error.code;
    // Lambda sends the stack to the caller, and writes it to the log.
    delete this.stack;
  }
}

/** Throws every error in the form that callers can read, with nothing else in it: no cause, no stack. */
export function throwErrors(): Middleware {
  return {
    onError(request) {
      const error = toArtifactRegistryError(request.error);
      // Put in its place, not thrown: to an error that is thrown here, middy ties the original one.
      request.error = new InvocationError(error.toWire(request.context.awsRequestId));
    },
  };
}
