import { toArtifactRegistryError } from "../../../core/errors.ts";
import { errorResponse } from "../../../core/http.ts";
import { toResult } from "../doors/http-result.ts";
import type { Middleware } from "./chain.ts";

/** Lets nothing be thrown: whoever calls over HTTP gets an answer, also when the event was none of HTTP. */
export function answerErrors(): Middleware {
  return {
    async onError(request) {
      const error = toArtifactRegistryError(request.error);
      request.response = await toResult(errorResponse(error, request.context.awsRequestId));
    },
  };
}
