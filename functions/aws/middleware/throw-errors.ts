import { BareError, toArtifactRegistryError } from "../../../core/errors.ts";
import type { Middleware } from "./chain.ts";

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
