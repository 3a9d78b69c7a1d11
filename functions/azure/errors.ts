import { ArtifactRegistryError, type ErrorCode, type ErrorOptions } from "../../core/errors.ts";
import { OciError, retryAfterSeconds } from "../../oci/client/errors.ts";

/** What a refusal's reader is told beside the refusal itself. */
export interface Refused {
  /** The request, as `ACR DELETE repository`. */
  readonly what: string;
  /** Who lacks which right, as a whole sentence. */
  readonly hint: string;
}

interface Refusal {
  readonly status: number;
  readonly code?: string | undefined;
  /** Azure's own words, for telling refusals apart. They are not handed on: they name other principals. */
  readonly message: string;
  readonly retryAfterSeconds?: number | undefined;
}

/** What a refusal of the registry itself means to a caller of the suite. */
export function translateRegistryError(error: unknown, { what, hint }: Refused): unknown {
  if (!(error instanceof OciError)) return error;
  if (error.status === 0) return unreachable(what, "See that the binding's loginServer is right.", error);
  if (error.status === 405) {
    return new ArtifactRegistryError("RESOURCE_CONFLICT", `${what}: the repository or an image in it is locked.`, {
      hint: "Unlock it first: az acr repository update --delete-enabled true --write-enabled true.",
      cause: error,
    });
  }
  if (error.status === 403 && /\bclient with IP\b|firewall|public network/i.test(error.message)) {
    return new ArtifactRegistryError("ACCESS_DENIED", `${what}: the registry's network rules refuse the function.`, {
      hint: "Let the function's network reach the registry: its firewall, its private endpoint.",
      cause: error,
    });
  }
  return translate(error, { what, hint }, error);
}

/** The status and the code with which Azure Resource Manager refused; undefined for any other failure. */
export function armRefusal(error: unknown): { readonly status: number; readonly code: string } | undefined {
  const refusal = refusalOf(error);
  return refusal && { status: refusal.status, code: refusal.code ?? "" };
}

/** Whether Azure Resource Manager knows no such resource, in a registry that is not itself what it does not know. */
export function isNotFound(error: unknown): boolean {
  const refusal = refusalOf(error);
  return refusal?.status === 404 && !/^(?:ParentResource|ResourceGroup|Subscription)NotFound$/.test(refusal.code ?? "");
}

/** What a refusal of Azure Resource Manager means to a caller of the suite. */
export function translateArmError(error: unknown, { what, hint }: Refused): unknown {
  if (error instanceof ArtifactRegistryError) return error;
  const refusal = refusalOf(error);
  if (refusal !== undefined) return translate(refusal, { what, hint }, error);
  // The client throws no error of another kind for what came, or did not come, over the network.
  if (error instanceof Error && error.name === "RestError") {
    // Without a code it is a list that is none.
    if (!("code" in error) || error.code === undefined || error.code === "PARSE_ERROR") return unexpected(what, error);
    return unreachable(what, "See that the function's network reaches Azure Resource Manager.", error);
  }
  // So ends the client's reading of an answer that lacks what it must have.
  if (error instanceof TypeError) return unexpected(what, error);
  return new ArtifactRegistryError("CLOUD_PLATFORM_ERROR", `${what} could not be asked for.`, { cause: error });
}

/** What the failure of a long-running operation means; the client tells it in one sentence. */
export function failedOperation(error: unknown, what: string): ArtifactRegistryError {
  const told = error instanceof Error ? error.message : "";
  const [, code = "", message = ""] = /^The long-running operation has failed\. (\w+)\. (.*)$/s.exec(told) ?? [];
  if (isQuota({ status: 0, code, message })) {
    return new ArtifactRegistryError("QUOTA_EXCEEDED", `${what} exceeds a limit of the registry.`, { cause: error });
  }
  return new ArtifactRegistryError("CLOUD_PLATFORM_ERROR", `${what} was begun and failed${code && ` with ${code}`}.`, {
    retryable: /internal|timeout|timedout|unavailable|conflict/i.test(code),
    cause: error,
  });
}

function isQuota({ code, message }: Refusal): boolean {
  return /quota|limit|maximum/i.test(code ?? "") || /quota|exceed(?:s|ed)? the (?:maximum|limit)/i.test(message);
}

function translate(refusal: Refusal, { what, hint }: Refused, cause: unknown): ArtifactRegistryError {
  const refuse = (code: ErrorCode, message: string, options: ErrorOptions = {}) =>
    new ArtifactRegistryError(code, `${what} ${message}`, { ...options, cause });
  const { status, retryAfterSeconds: seconds } = refusal;
  const wait = seconds === undefined ? {} : { retryAfterSeconds: seconds };
  if (status === 429) return refuse("RATE_LIMIT_EXCEEDED", "was throttled.", { retryable: true, ...wait });
  if (status === 503 || status === 502 || status === 504) {
    return refuse("SERVICE_UNAVAILABLE", "is not available.", { retryable: true, ...wait });
  }
  if (status >= 500) return refuse("CLOUD_PLATFORM_ERROR", `failed with ${status}.`, { retryable: true, ...wait });
  if (status === 408) return refuse("TIMEOUT", "did not answer in time.", { retryable: true });
  if (isQuota(refusal)) return refuse("QUOTA_EXCEEDED", "exceeds a limit of the registry.");
  if (status === 401 || status === 403) return refuse("ACCESS_DENIED", "was denied.", { hint });
  if (status === 404) {
    return refuse("BINDING_CONFIG_INVALID", "found nothing.", {
      hint: "See that the binding's registryName, resourceGroupName and loginServer, and the subscription, are right.",
    });
  }
  if (status === 409 && /progress|conflict/i.test(refusal.code ?? "")) {
    return refuse("RESOURCE_CONFLICT", "met another change.", { retryable: true, ...wait });
  }
  if (status === 409 && refusal.code === "ScopeLocked") {
    return refuse("RESOURCE_CONFLICT", "met a lock.", { hint: "Remove the lock of the registry, or of its group." });
  }
  if (status === 409 || status === 412) return refuse("RESOURCE_CONFLICT", "is not possible in the present state.");
  return refuse("CLOUD_PLATFORM_ERROR", `failed with ${status}.`);
}

export function unexpected(what: string, cause?: unknown): ArtifactRegistryError {
  return new ArtifactRegistryError("UNEXPECTED_RESPONSE_FORMAT", `${what} answered in an unknown form.`, { cause });
}

function unreachable(what: string, hint: string, cause: unknown): ArtifactRegistryError {
  return new ArtifactRegistryError("SERVICE_UNAVAILABLE", `${what}: no answer.`, { retryable: true, hint, cause });
}

/** The client's `RestError`, known by its form: its class may not be loaded. */
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
