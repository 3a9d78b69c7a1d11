import type { IncomingMessage } from "node:http";
import { buffer } from "node:stream/consumers";
import { authenticate } from "../../emulators/aws/identity/authenticate.ts";
import { authorize } from "../../emulators/aws/identity/authorization.ts";
import type { Principal } from "../../emulators/aws/identity/principal.ts";
import type { AwsEmulator, PolicyInput } from "../../emulators/aws/index.ts";
import { AwsError } from "../../emulators/aws/wire/errors.ts";
import { FUNCTION_URL } from "../../emulators/aws/wire/services.ts";
import { readSigned } from "../../emulators/aws/wire/signature.ts";
import { renderPolicy } from "../../infra/support/module.ts";
import { type Front, serve } from "../../support/front.ts";
import { eventOf } from "../handler/events.ts";
import { functionArn, type RunningFunction } from "./function.ts";

/** The policy of infra/aws for those who may call the function by its URL. */
export function callUrlPolicy(): PolicyInput {
  return renderPolicy("call-url", { function: functionArn, any_name: [functionArn, `${functionArn}:*`] });
}

/**
 * What stands before a function's URL, as Lambda's developer guide describes it ("Control access to Lambda function URLs").
 * Hands requests on as events. With `AWS_IAM` the signature must hold, and the caller's policies must allow both actions; the
 * function is told who it was, and the header is not handed on. With `NONE` everything passes.
 */
export async function startFront(
  aws: AwsEmulator,
  running: Pick<RunningFunction, "invoke">,
  authType: "AWS_IAM" | "NONE",
): Promise<Front> {
  async function admit(request: IncomingMessage, body: Buffer): Promise<Principal> {
    const signed = readSigned(request.headers.authorization);
    const principal = authenticate(aws.world, FUNCTION_URL, request, body, signed);
    const [, , , region = "", resourceAccount = ""] = functionArn.split(":");
    if (signed?.region !== region) throw refused(`Credential should be scoped to a valid region: ${region}.`);
    const context = { "lambda:FunctionUrlAuthType": authType, "lambda:InvokedViaFunctionUrl": "true" };
    for (const action of ["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"]) {
      const ask = { action, resource: functionArn, resourceAccount, region, context };
      const { verdict } = await authorize(aws.world.directory, principal, ask);
      if (verdict !== "Allowed") throw refused("Forbidden");
    }
    return principal;
  }

  async function eventFrom(request: IncomingMessage): Promise<object> {
    const body = await buffer(request);
    const principal = authType === "AWS_IAM" ? await admit(request, body) : undefined;
    const [rawPath = "/", rawQueryString = ""] = (request.url ?? "/").split("?");
    const { authorization, ...others } = request.headers;
    const http = { method: request.method, path: rawPath };
    const event = eventOf(principal ? "function-url-iam" : "function-url-public", { requestContext: { http } });
    return {
      ...event,
      rawPath,
      rawQueryString,
      headers: principal ? others : request.headers,
      body: body.toString("base64"),
      isBase64Encoded: true,
      ...(principal && {
        requestContext: { ...(event.requestContext as object), authorizer: { iam: told(principal) } },
      }),
    };
  }

  return serve(async (request, response) => {
    try {
      const { failed, payload } = await running.invoke(await eventFrom(request));
      const { statusCode, headers, body } = payload as Answer;
      response.writeHead(failed ? 502 : statusCode, headers).end(body);
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      response.writeHead(error.status, { "content-type": "application/json", "x-amzn-errortype": error.code });
      response.end(JSON.stringify({ Message: error.message }));
    }
  });
}

interface Answer {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** What the function is told of whom IAM let in. */
function told({ arn, account, userId }: Principal): object {
  return { accountId: account, callerId: userId, userArn: arn, userId, cognitoIdentity: null };
}

const refused = (message: string) => new AwsError("AccessDeniedException", message, 403);
