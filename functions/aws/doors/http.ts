import { createHttp } from "../../../core/http.ts";
import { answerErrors } from "../middleware/answer-errors.ts";
import { chain, type LambdaHandler } from "../middleware/chain.ts";
import { deadline } from "../middleware/deadline.ts";
import { shape } from "../middleware/shape.ts";
import { type HttpEvent, httpEvent, toRequest } from "./http-event.ts";
import { toResult } from "./http-result.ts";
import { platformCaller } from "./platform-caller.ts";
import type { Suite } from "./suite.ts";

/**
 * The `platform` and `oidc` doors: HTTP in payload format 2.0. Nothing is ever thrown. What IAM says of the caller counts
 * at the `platform` door alone.
 */
export function httpHandler({ application }: Suite): LambdaHandler {
  const http = createHttp(application);
  const trustsPlatform = application.door.name === "platform";
  const middlewares = [answerErrors(), shape(httpEvent, "HTTP requests in payload format 2.0"), deadline()];
  return chain<HttpEvent>(middlewares, async (event, { awsRequestId: requestId, signal }) => {
    const caller = trustsPlatform ? platformCaller(event.requestContext.authorizer?.iam?.userArn) : undefined;
    const response = await http(toRequest(event, signal), { requestId, ...(caller && { platformCaller: caller }) });
    return toResult(response);
  });
}
