import { ArtifactRegistryError, type ErrorCode, type ErrorJson, statusOf } from "../core/errors.ts";
import { parsed } from "./json.ts";

export { ArtifactRegistryError, type ErrorCode };

/**
 * The error that an answer carries. One that does not speak our language comes from what stands before the function:
 * its status is all that we know of it.
 *
 * @param body the answer's text
 */
export function errorFrom(status: number, headers: Headers, body: string): ArtifactRegistryError {
  const retryAfterSeconds = Number.parseFloat(headers.get("retry-after") ?? "");
  const options = { retryAfterSeconds, ...requestIdOf(headers) };
  const wire = errorOf(body);
  if (wire === undefined) return fromPlatform(status, options);
  const { code, message, ...said } = wire;
  return new ArtifactRegistryError(code, message, { ...options, ...said });
}

/**
 * The error of a Lambda function that was invoked over Lambda's own API: that answers 200 for it, where a function URL
 * answers 502 (functions/aws/doors/middleware.ts writes it).
 */
export function errorFromLambda(headers: Headers, body: string): ArtifactRegistryError {
  const { errorMessage } = (parsed(body) ?? {}) as { errorMessage?: unknown };
  return errorFrom(502, headers, String(errorMessage));
}

/** @returns undefined unless it is an error of ours; of its fields, those that are what they should be */
function errorOf(body: string) {
  const { code, message, retryable, hint, context, requestId } = (parsed(body) ?? {}) as ErrorJson;
  if (!Object.hasOwn(statusOf, code) || typeof message !== "string") return undefined;
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

type Known = readonly [code: ErrorCode, message: string, hint?: string];

const fromStatus: Readonly<Record<number, Known>> = {
  401: ["AUTHENTICATION_ERROR", "The platform refused the caller.", "See which form of authentication the door wants."],
  403: [
    "ACCESS_DENIED",
    "The platform does not let this caller invoke the function.",
    "Grant the caller lambda:InvokeFunctionUrl and lambda:InvokeFunction, roles/run.invoker, or the application role.",
  ],
  404: ["BINDING_CONFIG_INVALID", "There is no function of this suite at the URL.", "Correct the binding's url."],
  413: ["PAYLOAD_TOO_LARGE", "The platform refused a request of this size."],
};

function fromPlatform(status: number, options: { retryAfterSeconds: number; requestId?: string }) {
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
  const [code, message, hint] = fromStatus[status] ?? [
    "UNEXPECTED_RESPONSE_FORMAT",
    `The answer (${status}) is none of this suite's.`,
  ];
  return new ArtifactRegistryError(code, message, { ...options, ...(hint && { hint }) });
}
