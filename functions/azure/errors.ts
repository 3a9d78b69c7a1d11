import { ArtifactRegistryError, type ErrorCode, type ErrorOptions } from "../../core/errors.ts";
import { OciError, retryAfterSeconds } from "../../oci/client/errors.ts";

/** What an error says besides the refusal itself. */
export interface Refused {
  /** Names the request, as `ACR DELETE repository`. */
  readonly what: string;
  /** Says in whole sentences which identity lacks which right. */
  readonly hint: string;
}

interface Refusal {
  readonly status: number;
  readonly code?: string | undefined;
  /** Azure's own message. We only tell refusals apart by it. Callers never see it, because it names other principals. */
  readonly message: string;
  readonly retryAfterSeconds?: number | undefined;
}

/** Translates a refusal of the registry itself into an error of the suite. */
export function translateRegistryError(error: unknown, { what, hint }: Refused): unknown {
  if (!(error instanceof OciError)) return error;
  if (error.status === 0) return unreachable(what, "Check the binding's loginServer.", error);
  if (error.status === 405) {
    return new ArtifactRegistryError("RESOURCE_CONFLICT", `${what}: the repository or an image in it is locked.`, {
      hint: "Unlock it first: az acr repository update --delete-enabled true --write-enabled true.",
      cause: error,
    });
  }
  if (error.status === 403 && /\bclient with IP\b|firewall|public network/i.test(error.message)) {
    return new ArtifactRegistryError("ACCESS_DENIED", `${what}: the registry's network rules refuse the function.`, {
      hint: "Let the function's network reach the registry, through its firewall or its private endpoint.",
      cause: error,
    });
  }
  return translate(error, { what, hint }, error);
}

/** The status and the code with which Azure Resource Manager refused; undefined for any other error. */
export function armRefusal(error: unknown): { readonly status: number; readonly code: string } | undefined {
  const refusal = refusalOf(error);
  return refusal && { status: refusal.status, code: refusal.code ?? "" };
}

/**
 * Whether Azure refuses for a reason that passes without anybody's help: another change is in progress, or the registry is not ready
 * (`RegistryNotReady`). Azure does not list the codes, so every conflict counts that is not known to be final.
 */
export function passesByItself(error: unknown): boolean {
  const refusal = refusalOf(error);
  return refusal !== undefined && !isQuota(refusal) && isPassingConflict(refusal);
}

/**
 * The codes of conflicts for which somebody must do something first (Microsoft Learn, "Troubleshoot common Azure deployment errors", and
 * the names of registries).
 */
const finalConflicts = new Set([
  "ScopeLocked",
  "AlreadyInUse",
  "NameNotAvailable",
  "RegistryNameNotAvailable",
  "InvalidResourceLocation",
  "MissingSubscriptionRegistration",
  "SubscriptionNotRegistered",
  "ReadOnlyDisabledSubscription",
  "ResourceGroupBeingDeleted",
]);

function isPassingConflict({ status, code = "" }: Refusal): boolean {
  return (status === 409 || status === 412) && !finalConflicts.has(code);
}

/** Whether the resource itself does not exist. If its parent does not exist, that is another error. */
export function isNotFound(error: unknown): boolean {
  const refusal = refusalOf(error);
  return refusal?.status === 404 && !/^(?:ParentResource|ResourceGroup|Subscription)NotFound$/.test(refusal.code ?? "");
}

/** Translates an error of the client for Azure Resource Manager into an error of the suite. */
export function translateArmError(error: unknown, { what, hint }: Refused): unknown {
  if (error instanceof ArtifactRegistryError) return error;
  const refusal = refusalOf(error);
  if (refusal !== undefined) return translate(refusal, { what, hint }, error);
  // The client throws this error for everything that goes wrong on the network.
  if (error instanceof Error && error.name === "RestError") {
    // It has no code if an answer should be a list and is not.
    if (!("code" in error) || error.code === undefined || error.code === "PARSE_ERROR") return unexpected(what, error);
    return unreachable(what, "Check that the function's network reaches Azure Resource Manager.", error);
  }
  // The client throws this if an answer lacks what it must have.
  if (error instanceof TypeError) return unexpected(what, error);
  return new ArtifactRegistryError("CLOUD_PLATFORM_ERROR", `${what} could not be sent.`, { cause: error });
}

/** Translates the failure of a long-running operation, for which the client has one sentence only. */
export function failedOperation(error: unknown, what: string): ArtifactRegistryError {
  const text = error instanceof Error ? error.message : "";
  const [, code = "", message = ""] = /^The long-running operation has failed\. (\w+)\. (.*)$/s.exec(text) ?? [];
  if (isQuota({ status: 0, code, message })) {
    return new ArtifactRegistryError("QUOTA_EXCEEDED", `${what} exceeds a limit of the registry.`, { cause: error });
  }
  return new ArtifactRegistryError("CLOUD_PLATFORM_ERROR", `${what} has begun, and failed${code && ` with ${code}`}.`, {
    retryable: /internal|timeout|timedout|unavailable|conflict/i.test(code),
    cause: error,
  });
}

function isQuota({ code, message }: Refusal): boolean {
  return /quota|limit|maximum/i.test(code ?? "") || /quota|exceed(?:s|ed)? the (?:maximum|limit)/i.test(message);
}

function translate(refusal: Refusal, { what, hint }: Refused, cause: unknown): ArtifactRegistryError {
  const toError = (code: ErrorCode, message: string, options: ErrorOptions = {}) =>
    new ArtifactRegistryError(code, `${what} ${message}`, { ...options, cause });
  const { status, retryAfterSeconds: seconds } = refusal;
  const retryAfter = seconds === undefined ? {} : { retryAfterSeconds: seconds };
  if (status === 429) return toError("RATE_LIMIT_EXCEEDED", "was throttled.", { retryable: true, ...retryAfter });
  if (status === 503 || status === 502 || status === 504) {
    return toError("SERVICE_UNAVAILABLE", "is not available.", { retryable: true, ...retryAfter });
  }
  if (status >= 500)
    return toError("CLOUD_PLATFORM_ERROR", `failed with ${status}.`, { retryable: true, ...retryAfter });
  if (status === 408) return toError("TIMEOUT", "did not answer in time.", { retryable: true });
  if (isQuota(refusal)) return toError("QUOTA_EXCEEDED", "exceeds a limit of the registry.");
  if (status === 401 || status === 403) return toError("ACCESS_DENIED", "was denied.", { hint });
  if (status === 404) {
    return toError("BINDING_CONFIG_INVALID", "found nothing.", {
      hint: "Check the binding's registryName, resourceGroupName and loginServer, and the subscription.",
    });
  }
  if (isPassingConflict(refusal)) {
    return toError("RESOURCE_CONFLICT", "came while another change is in progress, or the registry is not ready.", {
      retryable: true,
      ...retryAfter,
    });
  }
  if (status === 409 && refusal.code === "ScopeLocked") {
    return toError("RESOURCE_CONFLICT", "is prevented by a lock.", {
      hint: "Remove the lock of the registry, or of its resource group.",
    });
  }
  if (status === 409) return toError("RESOURCE_CONFLICT", "is not possible in the present state.");
  return toError("CLOUD_PLATFORM_ERROR", `failed with ${status}.`);
}

/** The error for an answer that we cannot read. */
export function unexpected(what: string, cause?: unknown): ArtifactRegistryError {
  return new ArtifactRegistryError("UNEXPECTED_RESPONSE_FORMAT", `${what} answered in an unknown form.`, { cause });
}

function unreachable(what: string, hint: string, cause: unknown): ArtifactRegistryError {
  return new ArtifactRegistryError("SERVICE_UNAVAILABLE", `${what} got no answer.`, { retryable: true, hint, cause });
}

/** Reads the client's `RestError`. It is known by its form, because its class may not be loaded. */
function refusalOf(error: unknown): Refusal | undefined {
  if (!(error instanceof Error) || !("statusCode" in error) || typeof error.statusCode !== "number") return undefined;
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  const response = "response" in error ? (error.response as { headers?: Pick<Headers, "get"> } | undefined) : undefined;
  return {
    status: error.statusCode,
    code,
    message: error.message,
    retryAfterSeconds: retryAfterSeconds(response?.headers?.get("retry-after") ?? null),
  };
}
