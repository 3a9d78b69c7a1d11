import { ArtifactRegistryError, type ErrorCode, type ErrorJson, statusOf } from "../core/errors.ts";
import { tryParseObject } from "./json.ts";

export { ArtifactRegistryError, type ErrorCode };

/**
 * Reads the error that an answer carries. An answer in another format comes from the platform in front of the function;
 * of that only the status says anything.
 *
 * @param body text of the answer
 */
export function errorFrom(status: number, headers: Headers, body: string): ArtifactRegistryError {
  const retryAfterSeconds = Number.parseFloat(headers.get("retry-after") ?? "");
  const options = { retryAfterSeconds, ...requestIdOf(headers) };
  const wire = parseError(body);
  if (wire === undefined) return platformError(status, options);
  const { code, message, ...details } = wire;
  return new ArtifactRegistryError(code, message, { ...options, ...details });
}

/**
 * Reads the error of a Lambda function that was invoked over Lambda's own API. That API answers 200 even then, where a
 * function URL answers 502 (functions/aws/doors/middleware.ts writes the error).
 */
export function errorFromLambda(headers: Headers, body: string): ArtifactRegistryError {
  return errorFrom(502, headers, String(tryParseObject(body)?.errorMessage));
}

/** @returns the fields of our own error that have the right type; undefined for anything else */
function parseError(body: string) {
  const { code, message, retryable, hint, context, requestId } = (tryParseObject(body) ?? {}) as Partial<ErrorJson>;
  if (code === undefined || !Object.hasOwn(statusOf, code) || typeof message !== "string") return undefined;
  return {
    code,
    message,
    retryable: retryable === true,
    ...(typeof hint === "string" && { hint }),
    ...(typeof context === "object" && context && { context }),
    ...(requestId && typeof requestId === "string" && { requestId }),
  };
}

function requestIdOf(headers: Headers): { requestId?: string } {
  const requestId = headers.get("x-request-id");
  return requestId ? { requestId } : {};
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
};

function platformError(status: number, options: { retryAfterSeconds: number; requestId?: string }) {
  if (status === 429) {
    return new ArtifactRegistryError("RATE_LIMIT_EXCEEDED", "The platform throttles the function.", {
      ...options,
      retryable: true,
    });
  }
  if (status >= 500) {
    return new ArtifactRegistryError("SERVICE_UNAVAILABLE", `The platform answered ${status} for the function.`, {
      ...options,
      retryable: true,
    });
  }
  const [code, message, hint] = errorsByStatus[status] ?? [
    "UNEXPECTED_RESPONSE_FORMAT",
    `The answer (${status}) does not come from this suite.`,
  ];
  return new ArtifactRegistryError(code, message, { ...options, ...(hint && { hint }) });
}
