import { ArtifactRegistryError } from "../../../core/errors.ts";
import { isServiceError, translateAwsError } from "../errors.ts";

/** What DynamoDB's refusal means to a caller of the suite. */
export function translateDynamoError(error: unknown, what: string, tableName: string): unknown {
  if (isServiceError(error, "ResourceNotFoundException")) {
    return new ArtifactRegistryError("BINDING_CONFIG_INVALID", `The lease table "${tableName}" does not exist.`, {
      hint: "Create it in the function's region, with the partition key `repository` (S), or correct the binding.",
      context: { field: "leaseTable" },
      cause: error,
    });
  }
  if (isServiceError(error, "ValidationException")) {
    return new ArtifactRegistryError("BINDING_CONFIG_INVALID", `The lease table "${tableName}" has another form.`, {
      hint: "Its partition key must be `repository` (S), without a sort key.",
      context: { field: "leaseTable" },
      cause: error,
    });
  }
  if (isServiceError(error, "InternalServerError", "ServiceUnavailable", "TransactionConflictException")) {
    return new ArtifactRegistryError("SERVICE_UNAVAILABLE", `${what} failed at DynamoDB's side.`, {
      retryable: true,
      cause: error,
    });
  }
  return translateAwsError(error, what, `${what.replace("DynamoDB ", "dynamodb:")} on the lease table "${tableName}"`);
}

/** Somebody else is editing. */
export function busy(repository: string): ArtifactRegistryError {
  return new ArtifactRegistryError("RESOURCE_CONFLICT", `Another edit of "${repository}" is in progress.`, {
    retryable: true,
    retryAfterSeconds: 1,
    hint: "Nothing was changed. The same call again is safe.",
  });
}

/** The lease ran out, and somebody else took it, before the outcome could be recorded. */
export function lost(repository: string, cause?: unknown): ArtifactRegistryError {
  return new ArtifactRegistryError("RESOURCE_CONFLICT", `The edit of "${repository}" took longer than its lease.`, {
    retryable: true,
    hint: "It may or may not have been applied; the same call again finishes or repairs it.",
    cause,
  });
}

/** Too little is left of the lease for a write that nobody else's can overtake. */
export function tooLate(): ArtifactRegistryError {
  return new ArtifactRegistryError("TIMEOUT", "Too little time was left of the lease to write the policy.", {
    retryable: true,
    hint: "The same call again finishes what was begun.",
  });
}

/** An event of before the last revocation. */
export function stale(): ArtifactRegistryError {
  return new ArtifactRegistryError("RESOURCE_CONFLICT", "Access was revoked after the event was sent.", {
    hint: "Send a new event if it is still wanted.",
    context: { field: "time" },
  });
}

/**
 * Whether the platform answered the request, with whatever error: then it is over, and will not be applied later. In
 * doubt it did not.
 */
export function wasAnswered(error: unknown): boolean {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    const { $metadata } = at as { $metadata?: { httpStatusCode?: number } };
    if ($metadata?.httpStatusCode !== undefined) return true;
  }
  return false;
}
