import { ArtifactRegistryError, type ErrorOptions } from "../../core/errors.ts";
import { type HttpAnswer, headersOf, jsonOf } from "../../core/http-client.ts";
import { meaningOf, propagation } from "./refusals.ts";

/** The codes of google.rpc.Code. gRPC answers with them; over HTTP a status stands for them. */
export const grpcCode = {
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
  unauthenticated: 16,
} as const;

/** The mapping of google/rpc/code.proto, read backwards. */
const codeByStatus: Readonly<Record<number, number>> = {
  400: grpcCode.invalidArgument,
  401: grpcCode.unauthenticated,
  403: grpcCode.permissionDenied,
  404: grpcCode.notFound,
  408: grpcCode.deadlineExceeded,
  409: grpcCode.aborted,
  412: grpcCode.failedPrecondition,
  429: grpcCode.resourceExhausted,
  499: grpcCode.cancelled,
  500: grpcCode.internal,
  501: grpcCode.unimplemented,
  503: grpcCode.unavailable,
  504: grpcCode.deadlineExceeded,
};

/** What our clients put on the errors that they throw: gRPC a `code`, HTTP a `response`. Other errors have neither. */
interface GoogleError {
  readonly code?: unknown;
  readonly message?: unknown;
  /** gRPC: of the error's `google.rpc.ErrorInfo`. */
  readonly reason?: unknown;
  readonly response?: {
    readonly status?: number;
    readonly headers?: Pick<Headers, "get">;
    readonly data?: {
      readonly error?: {
        readonly message?: unknown;
        readonly status?: unknown;
        readonly details?: readonly { readonly reason?: unknown }[];
      };
    };
  } | null;
}

/** An answer of Google's that is no success, over HTTP. */
export class GoogleRefusal extends Error {
  readonly response: NonNullable<GoogleError["response"]>;

  constructor(answer: HttpAnswer) {
    super(`Google answered with the status ${answer.status}.`);
    const data = jsonOf(answer);
    this.response = {
      status: answer.status,
      headers: headersOf(answer),
      ...(typeof data === "object" && data !== null && { data }),
    };
  }
}

function asGoogleError(error: unknown): GoogleError {
  return typeof error === "object" && error !== null ? error : {};
}

/**
 * The code of an error that Google answered.
 *
 * @returns undefined where Google did not answer
 */
export function googleCode(error: unknown): number | undefined {
  const { code, response } = asGoogleError(error);
  // The body names the code, as `ALREADY_EXISTS`; one HTTP status stands for several.
  const name = response?.data?.error?.status;
  const named = Object.values(grpcCode).find((each) => nameOf(each) === name);
  if (named !== undefined) return named;
  const status = response?.status;
  if (status !== undefined) return codeByStatus[status] ?? (status >= 500 ? grpcCode.unavailable : grpcCode.unknown);
  return typeof code === "number" ? code : undefined;
}

/** A code as Google writes it, as `FAILED_PRECONDITION`. */
function nameOf(code: number): string {
  const name = Object.entries(grpcCode).find(([, value]) => value === code)?.[0];
  return name === undefined ? `code ${code}` : name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

/**
 * Google's own message, to tell errors of one code apart.
 *
 * Callers never see it, because it names other principals.
 */
export function googleMessage(error: unknown): string {
  const { message, response } = asGoogleError(error);
  const told = response?.data?.error?.message;
  if (typeof told === "string") return told;
  return typeof message === "string" ? message : "";
}

/** The reason in an error's details, as `SERVICE_DISABLED` (google.rpc.ErrorInfo). */
function googleReason(error: unknown): string | undefined {
  const { reason, response } = asGoogleError(error);
  const { details } = response?.data?.error ?? {};
  const reasons = [reason, ...(Array.isArray(details) ? details : []).map((detail) => detail?.reason)];
  return reasons.find((each) => typeof each === "string");
}

/**
 * The translation of a refusal that its reason or its text explains, whatever its code.
 *
 * @param what names the request, as `Artifact Registry GetIamPolicy`
 * @returns undefined where the code says all that there is
 */
export function explainedRefusal(error: unknown, what: string): ArtifactRegistryError | undefined {
  const code = googleCode(error);
  if (code === undefined) return undefined;
  const meaning = meaningOf({ status: nameOf(code), reason: googleReason(error), message: googleMessage(error) });
  if (meaning === undefined) return undefined;
  return new ArtifactRegistryError(meaning.code, `${what}: ${meaning.message}`, { hint: meaning.hint, cause: error });
}

/**
 * Waits for a request that may answer NOT_FOUND. The request must list that code among those it expects; every other
 * error is thrown.
 *
 * @returns undefined where there is no such resource
 */
export async function undefinedIfNotFound<T>(request: Promise<T>): Promise<T | undefined> {
  try {
    return await request;
  } catch (error) {
    if (googleCode(error) !== grpcCode.notFound) throw error;
    return undefined;
  }
}

/**
 * Translates an error of a Google API for the callers of the suite. What is translated already, and the abort of a
 * request, are returned as they are.
 *
 * @param what names the request, as `Artifact Registry GetIamPolicy`
 * @param needs the permission that the request requires, and on what
 */
export function translateGoogleError(error: unknown, what: string, needs: string): unknown {
  if (error instanceof ArtifactRegistryError || isAbort(error)) return error;
  const translated = (code: ArtifactRegistryError["code"], message: string, options: ErrorOptions = {}) =>
    new ArtifactRegistryError(code, message, { ...options, cause: error });
  const explained = explainedRefusal(error, what);
  if (explained) return explained;
  const code = googleCode(error);
  switch (code) {
    case undefined:
      if (neverLeft(error)) return translated("CLOUD_PLATFORM_ERROR", `${what} could not be sent.`);
      return translated("SERVICE_UNAVAILABLE", `${what}: Google Cloud cannot be reached.`, { retryable: true });
    case grpcCode.permissionDenied:
      return translated("ACCESS_DENIED", `${what} was denied.`, {
        hint: `The function's service account needs ${needs}. ${propagation}`,
      });
    case grpcCode.unauthenticated:
      return translated(
        "BINDING_CONFIG_INVALID",
        `Google does not accept the function's own credentials for ${what}.`,
        {
          hint: "Check that the function runs under its service account.",
        },
      );
    case grpcCode.resourceExhausted:
      return translated("RATE_LIMIT_EXCEEDED", `${what} was throttled.`, {
        retryable: true,
        // Without such a header this is NaN, which the error leaves out.
        retryAfterSeconds: Number(asGoogleError(error).response?.headers?.get("retry-after") ?? Number.NaN),
      });
    case grpcCode.deadlineExceeded:
      return translated("TIMEOUT", `${what} did not answer in time.`, {
        retryable: true,
        hint: "It may or may not have been applied. The same call again is safe.",
      });
    case grpcCode.cancelled:
    case grpcCode.unavailable:
      return translated("SERVICE_UNAVAILABLE", `${what}: the service is not available.`, { retryable: true });
    case grpcCode.notFound:
      return translated("RESOURCE_NOT_FOUND", `${what}: there is no such resource.`);
    case grpcCode.aborted:
      return translated("RESOURCE_CONFLICT", `${what} met another change.`, { retryable: true });
    case grpcCode.alreadyExists:
      return translated("RESOURCE_CONFLICT", `${what} is not possible in the present state.`);
    case grpcCode.failedPrecondition:
      return translated("RESOURCE_CONFLICT", `${what} is not possible in the present state.`, {
        hint:
          "An organisation policy, an encryption key that is not enabled, or a deletion under way may stand in the " +
          "way. Google's audit log of the project has the reason.",
      });
    default:
      return translated("CLOUD_PLATFORM_ERROR", `${what} failed with ${nameOf(code)}.`, {
        retryable: code === grpcCode.unknown || code === grpcCode.internal,
      });
  }
}

function isAbort(error: unknown): boolean {
  return error instanceof DOMException || (error instanceof Error && error.name === "AbortError");
}

/** Whether the request was never sent, because of a mistake on our side: no credentials are found, an argument is bad. */
function neverLeft(error: unknown): boolean {
  return error instanceof TypeError || /could not load the default credentials/i.test(googleMessage(error));
}

/** Describes a permission in a hint, together with the smallest predefined role that has it. */
export function describePermission(permission: string, on: string): string {
  return `${permission} on ${on} (${smallestRoleWith(permission)})`;
}

function smallestRoleWith(permission: string): string {
  if (permission === "iam.serviceAccounts.getAccessToken") return "roles/iam.serviceAccountTokenCreator";
  if (permission.startsWith("iam.serviceAccounts.")) return "roles/iam.serviceAccountAdmin";
  if (permission.startsWith("resourcemanager.tag")) return "roles/resourcemanager.tagUser";
  if (/^artifactregistry\.(?:packages|versions|tags)\.delete$/.test(permission))
    return "roles/artifactregistry.repoAdmin";
  return /\.(?:get|list|listTagBindings)$/.test(permission)
    ? "roles/artifactregistry.reader"
    : "roles/artifactregistry.admin";
}
