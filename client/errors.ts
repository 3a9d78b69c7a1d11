import { ArtifactRegistryError, type ErrorCode, type ErrorJson, statusOf } from "../core/errors.ts";

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
  const wire = parse(body);
  if (wire === undefined) return fromPlatform(status, options);
  const { code, message, retryable, hint, context, requestId } = wire;
  return new ArtifactRegistryError(code, message, {
    ...options,
    retryable,
    ...(hint !== undefined && { hint }),
    ...(context && { context }),
    ...(requestId && { requestId }),
  });
}

/** @returns undefined unless it is an error of ours */
function parse(body: string): ErrorJson | undefined {
  try {
    const json = JSON.parse(body) as ErrorJson;
    const ours = Object.hasOwn(statusOf, json.code) && typeof json.message === "string";
    return ours ? { ...json, retryable: json.retryable === true } : undefined;
  } catch {
    return undefined;
  }
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
