import { ArtifactRegistryError, type ErrorCode, type ErrorJson, type ErrorOptions, statusOf } from "../core/errors.ts";
import { tryParseObject } from "./json.ts";

export { ArtifactRegistryError, type ErrorCode };

/**
 * Reads the error that an answer carries. An answer in another format comes from the platform in front of the function,
 * and only its status says what went wrong.
 *
 * @param body text of the answer
 */
export function errorFrom(status: number, headers: Headers, body: string): ArtifactRegistryError {
  const retryAfterSeconds = Number.parseFloat(headers.get("retry-after") ?? "");
  const options = { retryAfterSeconds, requestId: headers.get("x-request-id") || undefined };
  const { code, message, retryable, hint, context, requestId } = (tryParseObject(body) ?? {}) as Partial<ErrorJson>;
  const isOurs = code !== undefined && Object.hasOwn(statusOf, code);
  if (!isOurs || typeof message !== "string") return platformError(status, options);
  return new ArtifactRegistryError(code, message, {
    ...options,
    retryable: retryable === true,
    ...(typeof hint === "string" && { hint }),
    ...(typeof context === "object" && context && { context }),
    ...(requestId && typeof requestId === "string" && { requestId }),
  });
}

/**
 * Reads the error of a Lambda function that was invoked over Lambda's own API. That API answers 200 even then, where a
 * function URL answers 502 (functions/aws/doors/middleware.ts writes the error).
 */
export function errorFromLambda(headers: Headers, body: string): ArtifactRegistryError {
  return errorFrom(502, headers, String(tryParseObject(body)?.errorMessage));
}

type PlatformError = readonly [code: ErrorCode, message: string, hint?: string];

const errorsByStatus: Readonly<Record<number, PlatformError>> = {
  401: [
    "AUTHENTICATION_ERROR",
    "The platform refused the caller.",
    "See which form of authentication the door expects.",
  ],
  403: [
    "ACCESS_DENIED",
    "The platform does not let this caller invoke the function.",
    "Grant the caller lambda:InvokeFunctionUrl and lambda:InvokeFunction, roles/run.invoker, or the application role.",
  ],
  404: ["BINDING_CONFIG_INVALID", "There is no function of this suite at the URL.", "Correct the binding's url."],
  413: ["PAYLOAD_TOO_LARGE", "The platform refused a request of this size."],
  429: ["RATE_LIMIT_EXCEEDED", "The platform throttles the function."],
};

function platformError(status: number, options: ErrorOptions): ArtifactRegistryError {
  const other: PlatformError =
    status >= 500
      ? ["SERVICE_UNAVAILABLE", `The platform answered ${status} for the function.`]
      : ["UNEXPECTED_RESPONSE_FORMAT", `The answer (${status}) does not come from this suite.`];
  const [code, message, hint] = errorsByStatus[status] ?? other;
  return new ArtifactRegistryError(code, message, { ...options, hint, retryable: status === 429 || status >= 500 });
}
