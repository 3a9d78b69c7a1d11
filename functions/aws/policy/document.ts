import { ArtifactRegistryError } from "../../../core/errors.ts";
import { isJsonObject, type JsonObject, parseFaithfully } from "./json.ts";

/** A statement of an IAM policy, ours or another's. */
export type Statement = JsonObject;

export interface PolicyDocument {
  /** Everything but the statements: `Version`, `Id`, and what else there is, in its order. */
  readonly envelope: JsonObject;
  readonly statements: readonly Statement[];
}

/** What a policy that we write depends on, beside the grants. */
export interface PolicyContext {
  /** As in ARNs: `aws`, `aws-cn`, `aws-us-gov`. */
  readonly partition: string;
}

/**
 * Reads the text of a policy.
 *
 * @throws UNEXPECTED_RESPONSE_FORMAT for what is not a policy: taken for an empty one, it would be overwritten
 */
export function parsePolicy(text: string): PolicyDocument {
  let envelope: unknown;
  try {
    envelope = parseFaithfully(text);
  } catch (cause) {
    throw unreadable("it is not JSON", cause);
  }
  if (!isJsonObject(envelope)) throw unreadable("it is not an object");
  const { Statement: listed } = envelope;
  const items: unknown[] = Array.isArray(listed) ? listed : [listed];
  const statements = items.filter(isJsonObject);
  if (statements.length < items.length) throw unreadable("it has no list of statements");
  return { envelope, statements };
}

/** A statement's Sid, if it has one. */
export function sidOf(statement: Statement): string | undefined {
  return typeof statement.Sid === "string" && statement.Sid !== "" ? statement.Sid : undefined;
}

// The parser's message quotes the policy, so it stays in the cause.
function unreadable(why: string, cause?: unknown): ArtifactRegistryError {
  return new ArtifactRegistryError("UNEXPECTED_RESPONSE_FORMAT", `The repository's policy cannot be read: ${why}.`, {
    hint: "Look at the policy in ECR and mend or delete it. Nothing was changed.",
    cause,
  });
}
