import { ArtifactRegistryError, type ErrorOptions } from "../../core/errors.ts";

interface ServiceError {
  readonly name: string;
  readonly message: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> };
}

/** Whether the service itself refused with this error. Names are matched, since some errors are not modelled. */
export function isServiceError(error: unknown, ...names: readonly string[]): boolean {
  return error instanceof Error && names.includes(error.name);
}

const throttling = [
  "ThrottlingException",
  "Throttling",
  "ThrottledException",
  "TooManyRequestsException",
  "RequestLimitExceeded",
  "LimitExceededRequest",
  "ProvisionedThroughputExceededException",
  "RequestThrottled",
  "RequestThrottledException",
];
const denied = ["AccessDeniedException", "AccessDenied", "UnauthorizedOperation"];
const notAuthenticated = [
  "UnrecognizedClientException",
  "InvalidClientTokenId",
  "ExpiredTokenException",
  "ExpiredToken",
  "InvalidSignatureException",
  "SignatureDoesNotMatch",
  "CredentialsProviderError",
];

/**
 * What an AWS service's refusal means to a caller of the suite. The service's message is not repeated: it names
 * principals and ARNs of the account.
 *
 * @param what the request, as `ECR CreateRepository`
 * @param needs the permission without which it is denied
 */
export function translateAwsError(error: unknown, what: string, needs: string): unknown {
  if (error instanceof ArtifactRegistryError || !(error instanceof Error)) return error;
  // Ours, from the signal. The SDK calls a connection that broke a TimeoutError too, which is not the end of the call.
  if (error.name === "AbortError" || error instanceof DOMException) return error;
  const refuse = (code: ArtifactRegistryError["code"], message: string, options: ErrorOptions = {}) =>
    new ArtifactRegistryError(code, message, { ...options, cause: error });

  if (isServiceError(error, ...throttling)) {
    const seconds = retryAfter(error);
    return refuse("RATE_LIMIT_EXCEEDED", `${what} was throttled.`, {
      retryable: true,
      ...(seconds !== undefined && { retryAfterSeconds: seconds }),
    });
  }
  if (isServiceError(error, ...denied)) {
    return refuse("ACCESS_DENIED", `${what} was denied.`, { hint: `The function's role needs ${needs}.` });
  }
  if (isServiceError(error, ...notAuthenticated)) {
    return refuse("BINDING_CONFIG_INVALID", `AWS does not accept the function's own credentials for ${what}.`, {
      hint: "See that the function runs under its execution role.",
    });
  }
  if (isServiceError(error, "RegionDisabledException", "OptInRequired")) {
    return refuse("BINDING_CONFIG_INVALID", `${what}: the region is not enabled in this account.`);
  }
  if (isServiceError(error, "LimitExceededException", "ServiceQuotaExceededException")) {
    return refuse("QUOTA_EXCEEDED", `${what} would exceed a quota of the account.`, {
      hint: "Delete what is not needed, or ask AWS for more.",
    });
  }
  const status = (error as ServiceError).$metadata?.httpStatusCode;
  if (status === undefined) {
    return refuse("SERVICE_UNAVAILABLE", `${what}: AWS cannot be reached.`, { retryable: true });
  }
  return refuse("CLOUD_PLATFORM_ERROR", `${what} failed with ${error.name}.`, { retryable: status >= 500 });
}

function retryAfter(error: Partial<ServiceError>): number | undefined {
  const seconds = Number(error.$response?.headers?.["retry-after"]);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined;
}
