import { ArtifactRegistryError, type ErrorCode, type ErrorOptions } from "../errors.ts";
import type { Example } from "./examples.ts";

const requestId = "5f2b1c0e-7a55-4a0f-9c1d-3f0f4f6f2a10";

/** A refusal of each code, in words that callers meet. */
const refusals: Readonly<Record<ErrorCode, readonly [message: string, options: ErrorOptions]>> = {
  INVALID_INPUT: ['"ttlSeconds" must be a whole number of seconds.', { context: { field: "ttlSeconds" } }],
  BINDING_NOT_CONFIGURED: ['The registry "images" is not bound.', { hint: "Set ALIEN_IMAGES_BINDING." }],
  BINDING_CONFIG_INVALID: [
    "The binding names no role for pull credentials.",
    { hint: "Add pullRoleArn to the registry's binding, or run provisionRegistry." },
  ],
  AUTHENTICATION_ERROR: ["No bearer token was sent.", { hint: "Send Authorization: Bearer with a token." }],
  ACCESS_DENIED: [
    "No rule allows this caller to run deleteRepository.",
    { hint: "The operator of the function can add a rule to ALIEN_ACCESS_RULES." },
  ],
  RESOURCE_NOT_FOUND: ['There is no repository "images/my-app".', { hint: "Create it with createRepository." }],
  TIMEOUT: [
    "ECR CreateRepository did not answer in time.",
    { retryable: true, hint: "It may or may not have been applied; the same call again is safe." },
  ],
  RESOURCE_CONFLICT: [
    "The registry still holds 3 repositories.",
    { hint: "Delete them first, or pass deleteRepositories: true.", context: { repositories: 3 } },
  ],
  PAYLOAD_TOO_LARGE: ["The body is larger than 64 KiB.", { context: { limit: 65_536 } }],
  RATE_LIMIT_EXCEEDED: ["The platform throttles requests.", { retryable: true }],
  QUOTA_EXCEEDED: [
    "The repository policy would be larger than the platform allows.",
    { hint: "Remove access that is not needed.", context: { limit: 10_240, needed: 10_391 } },
  ],
  INTERNAL_ERROR: [
    "An unexpected error occurred.",
    { hint: "Report the request id to the operator of this function." },
  ],
  OPERATION_NOT_SUPPORTED: [
    "The local registry has no other accounts: cross-account access does not apply.",
    { hint: "Mint pull credentials for the consumer with generateCredentials.", context: { service: "local" } },
  ],
  UNEXPECTED_RESPONSE_FORMAT: ["The platform answered what it does not document.", { retryable: true }],
  CLOUD_PLATFORM_ERROR: ["The platform answered with status 500.", { retryable: true }],
  SERVICE_UNAVAILABLE: ["The registry is busy.", { retryable: true }],
};

/** Examples of one status. The one status without a code is HTTP's own: a method that the path does not know. */
export function errorExamples(status: number, codes: readonly ErrorCode[]): Record<string, Example> {
  if (codes.length === 0) {
    const error = new ArtifactRegistryError("INVALID_INPUT", "PUT is not allowed here.", { hint: "Use POST." });
    return { method: { value: { ...error.toWire(requestId), httpStatusCode: status } } };
  }
  const example = (code: ErrorCode): [string, Example] => {
    const [message, options] = refusals[code];
    return [code, { value: new ArtifactRegistryError(code, message, options).toWire(requestId) }];
  };
  return Object.fromEntries(codes.map(example));
}
