import { invoke } from "../../../core/invoke.ts";
import { chain, type LambdaHandler } from "../middleware/chain.ts";
import { deadline } from "../middleware/deadline.ts";
import { throwErrors } from "../middleware/throw-errors.ts";
import type { Suite } from "./suite.ts";

/**
 * The `invoke` and `provision` doors: the payload is the operation's input with `operation` in it, the answer its output.
 * Whatever else a payload holds, as a forged `requestContext`, is an unknown field, and refused.
 */
export function directHandler({ application }: Suite): LambdaHandler {
  return chain([throwErrors(), deadline()], (payload, { awsRequestId: requestId, signal }) =>
    invoke(application, payload, { requestId, signal }),
  );
}
