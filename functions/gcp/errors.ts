import { ArtifactRegistryError, type ErrorOptions } from "../../core/errors.ts";

/** Codes of google.rpc.Code that mean something here; gRPC answers them, and HTTP statuses stand for them. */
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

const byStatus: Readonly<Record<number, number>> = {
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

/** The code that an HTTP status stands for (google/rpc/code.proto). */
export function codeOfStatus(status: number): number {
  return byStatus[status] ?? (status >= 500 ? grpcCode.unavailable : grpcCode.unknown);
}

/** The code of a status as Google writes it, as `ALREADY_EXISTS`; one HTTP status stands for several. */
export function codeOfName(name: unknown): number | undefined {
  return Object.values(grpcCode).find((code) => nameOf(code) === name);
}

/** A code as Google writes it, as `FAILED_PRECONDITION`. */
export function nameOf(code: number): string {
  const name = Object.entries(grpcCode).find(([, value]) => value === code)?.[0];
  return name === undefined ? `code ${code}` : name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

/** The status of a refusal, from gRPC (`code`) or from HTTP (`response.status`). */
export function googleCode(error: unknown): number | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  const response = httpResponse(error);
  const named = codeOfName(response?.data?.error?.status);
  if (named !== undefined) return named;
  if (response?.status !== undefined) return codeOfStatus(response.status);
  return "code" in error && typeof error.code === "number" ? error.code : undefined;
}

/** Google's own words, for telling refusals of one code apart. They are not handed on: they name other principals. */
export function googleMessage(error: unknown): string {
  if (typeof error !== "object" || error === null) return "";
  const told = httpResponse(error)?.data?.error?.message;
  if (typeof told === "string") return told;
  return "message" in error && typeof error.message === "string" ? error.message : "";
}

/**
 * What a request answers; undefined where there is no such resource. The request has that code among those that it
 * expects: every other refusal, and absence that was not recognised, stay errors.
 */
export async function unlessAbsent<T>(request: Promise<T>): Promise<T | undefined> {
  try {
    return await request;
  } catch (error) {
    if (googleCode(error) !== grpcCode.notFound) throw error;
    return undefined;
  }
}

/**
 * What a refusal of a Google API means to a caller of the suite.
 *
 * @param what the request, as `Artifact Registry GetIamPolicy`
 * @param needs the permission without which it is denied, and on what
 */
export function translateGoogleError(error: unknown, what: string, needs: string): unknown {
  if (error instanceof ArtifactRegistryError || isAbort(error)) return error;
  const refuse = (code: ArtifactRegistryError["code"], message: string, options: ErrorOptions = {}) =>
    new ArtifactRegistryError(code, message, { ...options, cause: error });
  const code = googleCode(error);
  switch (code) {
    case undefined:
      if (isOurs(error)) return refuse("CLOUD_PLATFORM_ERROR", `${what} could not be asked for.`);
      return refuse("SERVICE_UNAVAILABLE", `${what}: Google Cloud cannot be reached.`, { retryable: true });
    case grpcCode.permissionDenied:
      if (/SERVICE_DISABLED|has not been used in project|is disabled/.test(googleMessage(error))) {
        return refuse("BINDING_CONFIG_INVALID", `${what}: the API is not enabled in the project.`, {
          hint: "Enable artifactregistry.googleapis.com, iam.googleapis.com and iamcredentials.googleapis.com.",
        });
      }
      return refuse("ACCESS_DENIED", `${what} was denied.`, { hint: `The function's service account needs ${needs}.` });
    case grpcCode.unauthenticated:
      return refuse("BINDING_CONFIG_INVALID", `Google does not accept the function's own credentials for ${what}.`, {
        hint: "See that the function runs under its service account.",
      });
    case grpcCode.resourceExhausted: {
      if (/maximum number of/i.test(googleMessage(error))) {
        return refuse("QUOTA_EXCEEDED", `${what}: the project holds as many as it may.`, {
          hint: "Remove what is not needed, or ask Google for a higher quota.",
        });
      }
      const seconds = retryAfter(error);
      return refuse("RATE_LIMIT_EXCEEDED", `${what} was throttled.`, {
        retryable: true,
        ...(seconds !== undefined && { retryAfterSeconds: seconds }),
      });
    }
    case grpcCode.deadlineExceeded:
      return refuse("TIMEOUT", `${what} did not answer in time.`, {
        retryable: true,
        hint: "It may or may not have been applied; the same call again is safe.",
      });
    case grpcCode.cancelled:
    case grpcCode.unavailable:
      return refuse("SERVICE_UNAVAILABLE", `${what}: the service is not available.`, { retryable: true });
    case grpcCode.notFound:
      return refuse("RESOURCE_NOT_FOUND", `${what}: there is no such resource.`);
    case grpcCode.aborted:
      return refuse("RESOURCE_CONFLICT", `${what} met another change.`, { retryable: true });
    case grpcCode.alreadyExists:
    case grpcCode.failedPrecondition:
      return refuse("RESOURCE_CONFLICT", `${what} is not possible in the present state.`);
    default:
      return refuse("CLOUD_PLATFORM_ERROR", `${what} failed with ${nameOf(code)}.`, {
        retryable: code === grpcCode.unknown || code === grpcCode.internal,
      });
  }
}

/** A permission on something, for a hint: with the smallest predefined role that has it. */
export function needed(permission: string, on: string): string {
  return `${permission} on ${on} (${roleWith(permission)})`;
}

function roleWith(permission: string): string {
  if (permission === "iam.serviceAccounts.getAccessToken") return "roles/iam.serviceAccountTokenCreator";
  if (permission.startsWith("iam.serviceAccounts.")) return "roles/iam.serviceAccountAdmin";
  if (permission === "artifactregistry.packages.delete") return "roles/artifactregistry.repoAdmin";
  return /\.(?:get|list)$/.test(permission) ? "roles/artifactregistry.reader" : "roles/artifactregistry.admin";
}

function isAbort(error: unknown): boolean {
  return error instanceof DOMException || (error instanceof Error && error.name === "AbortError");
}

/** Whether the request never left, since something here is wrong: no credentials to be found, a bad argument. */
function isOurs(error: unknown): boolean {
  return error instanceof TypeError || /could not load the default credentials/i.test(googleMessage(error));
}

interface HttpResponse {
  readonly status?: number;
  readonly headers?: Headers;
  readonly data?: { readonly error?: { readonly message?: unknown; readonly status?: unknown } };
}

function httpResponse(error: object): HttpResponse | undefined {
  return "response" in error && typeof error.response === "object" && error.response !== null
    ? (error.response as HttpResponse)
    : undefined;
}

function retryAfter(error: unknown): number | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  const header = httpResponse(error)?.headers?.get("retry-after");
  const seconds = Number(header ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined;
}
