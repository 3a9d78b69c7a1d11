/** Every code that a caller can get, with its HTTP status (the contract, "Errors"). */
export const statusOf = {
  INVALID_INPUT: 400,
  BINDING_NOT_CONFIGURED: 400,
  BINDING_CONFIG_INVALID: 400,
  AUTHENTICATION_ERROR: 401,
  ACCESS_DENIED: 403,
  RESOURCE_NOT_FOUND: 404,
  TIMEOUT: 408,
  RESOURCE_CONFLICT: 409,
  PAYLOAD_TOO_LARGE: 413,
  RATE_LIMIT_EXCEEDED: 429,
  QUOTA_EXCEEDED: 429,
  INTERNAL_ERROR: 500,
  OPERATION_NOT_SUPPORTED: 501,
  UNEXPECTED_RESPONSE_FORMAT: 502,
  CLOUD_PLATFORM_ERROR: 502,
  SERVICE_UNAVAILABLE: 503,
} as const;

export type ErrorCode = keyof typeof statusOf;

/** What an error may say besides its code and its message. */
export interface ErrorOptions {
  /** True only where the same call can succeed by itself later. Default false. */
  readonly retryable?: boolean | undefined;
  /** What the caller or the operator should do about it. */
  readonly hint?: string | undefined;
  /** Facts that help to find the cause: field names, ids, limits. Never a secret. */
  readonly context?: Readonly<Record<string, string | number | boolean>> | undefined;
  /** Seconds that the upstream asks us to wait before the next try. */
  readonly retryAfterSeconds?: number | undefined;
  /** The id of the request in the function's audit log, where the error came over the wire. */
  readonly requestId?: string | undefined;
  /** What was caught. Kept for debuggers; never printed to callers or logs. */
  readonly cause?: unknown;
}

/** What an error looks like on the wire. */
export interface ErrorJson {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryable: boolean;
  readonly httpStatusCode: number;
  readonly context?: Readonly<Record<string, string | number | boolean>>;
  readonly hint?: string;
  readonly requestId: string;
}

/**
 * The one error type of the suite. Anything else that is thrown is a bug and becomes `INTERNAL_ERROR`.
 *
 * @example
 * if (error instanceof ArtifactRegistryError && error.code === "RESOURCE_NOT_FOUND") return undefined;
 */
export class ArtifactRegistryError extends Error {
  static {
    // A bundler gives the class a short name. Stacks and consoles show these instead.
    const name = "ArtifactRegistryError";
    Object.defineProperty(ArtifactRegistryError, "name", { value: name });
    ArtifactRegistryError.prototype.name = name;
  }

  // Only declared: each is set below, and a worker's bundle need not hold them twice.
  declare readonly code: ErrorCode;
  declare readonly retryable: boolean;
  declare readonly hint: string | undefined;
  declare readonly context: Readonly<Record<string, string | number | boolean>> | undefined;
  declare readonly retryAfterSeconds: number | undefined;
  declare readonly requestId: string | undefined;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    const { retryable = false, hint, context, requestId, retryAfterSeconds = -1, cause } = options;
    super(message, cause === undefined ? {} : { cause });
    this.code = code;
    this.retryable = retryable;
    this.hint = hint;
    this.context = context;
    this.requestId = requestId;
    // An upstream may send anything: a date in the past, a word.
    this.retryAfterSeconds =
      retryAfterSeconds >= 0 && Number.isFinite(retryAfterSeconds) ? retryAfterSeconds : undefined;
  }

  get httpStatusCode(): number {
    return statusOf[this.code];
  }

  /** The error as it goes over the wire, without `cause` and stack. */
  toWire(requestId: string): ErrorJson {
    return {
      code: this.code,
      message: this.message,
      retryable: this.retryable,
      httpStatusCode: this.httpStatusCode,
      ...(this.context && { context: this.context }),
      ...(this.hint !== undefined && { hint: this.hint }),
      requestId,
    };
  }
}

/**
 * Makes the commonest refusal: INVALID_INPUT.
 *
 * @param field path of the offending input, as `access.accountIds.0`
 *
 * @example
 * throw invalidInput('"ttlSeconds" must be at least 1 second.', "ttlSeconds");
 */
export function invalidInput(message: string, field?: string, hint?: string): ArtifactRegistryError {
  return new ArtifactRegistryError("INVALID_INPUT", message, {
    context: field === undefined ? undefined : { field },
    hint,
  });
}

/**
 * Turns whatever was thrown into the one error type. The caller learns nothing about an unknown error: its message may carry
 * a secret or another tenant's data.
 */
export function toArtifactRegistryError(thrown: unknown): ArtifactRegistryError {
  if (thrown instanceof ArtifactRegistryError) return thrown;
  return new ArtifactRegistryError("INTERNAL_ERROR", "An unexpected error occurred.", {
    hint: "Report the request id to the operator of this function.",
    cause: thrown,
  });
}

/**
 * An error for platforms that show callers, or write to a log, whatever a function throws. Its name is the code, its message
 * the error as JSON. It has no cause and no stack.
 */
export class BareError extends Error {
  constructor(error: ErrorJson) {
    super(JSON.stringify(error));
    this.name = error.code;
    delete this.stack;
  }
}
