import { ArtifactRegistryError } from "../../../core/errors.ts";
import { byCodeUnit } from "../grants/grant.ts";

/** A JSON object whose members are not known. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** A statement of an IAM policy, ours or another's. */
export type Statement = JsonObject;

// ECMA-262, "JSON.parse source text access": in Node since 21, not yet in TypeScript's library.
interface SourceAwareJson {
  parse(text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown): unknown;
  rawJSON(text: string): object;
  isRawJSON(value: unknown): boolean;
}
const sourceAware = JSON as unknown as SourceAwareJson;

/** A number kept in its own spelling is an object to JavaScript, but not to JSON. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !sourceAware.isRawJSON(value);
}

/**
 * Parses JSON so that `JSON.stringify` gives every value back as it was written, also numbers that a double cannot
 * hold: what others wrote into a document is not ours to round.
 */
function parseFaithfully(text: string): unknown {
  return sourceAware.parse(text, (_key, value, { source }) =>
    typeof value === "number" && source !== undefined && String(value) !== source ? sourceAware.rawJSON(source) : value,
  );
}

export interface PolicyDocument {
  /** The whole document: `Version`, `Id`, the statements, and what else there is, in its order. */
  readonly envelope: JsonObject;
  readonly statements: readonly Statement[];
  /** Principals that AWS turned into unique ids, in any statement. */
  readonly dropped: readonly string[];
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
  const dropped = new Set(statements.flatMap((statement) => awsPrincipals(statement, "Principal").filter(isUniqueId)));
  return { envelope, statements, dropped: [...dropped] };
}

// The parser's message quotes the policy, so it stays in the cause.
function unreadable(why: string, cause?: unknown): ArtifactRegistryError {
  return new ArtifactRegistryError("UNEXPECTED_RESPONSE_FORMAT", `The repository's policy cannot be read: ${why}.`, {
    hint: "Look at the policy in ECR and mend or delete it. Nothing was changed.",
    cause,
  });
}

/** A statement's Sid, if it has one. */
export function sidOf(statement: Statement): string | undefined {
  return typeof statement.Sid === "string" && statement.Sid !== "" ? statement.Sid : undefined;
}

/** IAM writes one string or a list of them. @returns undefined for anything else, the empty list included */
export function texts(value: unknown): readonly string[] | undefined {
  const list: unknown[] = Array.isArray(value) ? value : [value];
  return list.length > 0 && list.every((item) => typeof item === "string") ? list : undefined;
}

/** What a condition on one key demands: values by operator, which is in lower case. */
export type Operators = ReadonlyMap<string, readonly string[]>;

/** A statement of the kind that we write: it allows actions to principals of one type, perhaps on a condition. */
export interface PlainStatement {
  readonly sid: string | undefined;
  /** As `AWS` or `Service`. */
  readonly principalType: string;
  readonly principals: readonly string[];
  /** In lower case: upper and lower case mean the same. */
  readonly actions: ReadonlySet<string>;
  /** Absent where there is no condition. */
  readonly condition?: { readonly key: string; readonly operators: Operators };
}

/** @returns undefined for a statement of any other kind */
export function plainOf(statement: Statement): PlainStatement | undefined {
  const { Sid: _, Effect: effect, Principal: principal, Action: action, Condition: condition, ...more } = statement;
  const only = onlyEntry(principal);
  const [principals, actions] = [texts(only?.[1]), texts(action)];
  if (effect !== "Allow" || Object.keys(more).length > 0 || !only || !principals || !actions) return undefined;
  const plain = {
    sid: sidOf(statement),
    principalType: only[0],
    principals,
    actions: new Set(actions.map((name) => name.toLowerCase())),
  };
  if (!Object.hasOwn(statement, "Condition")) return plain;
  const read = conditionOf(condition);
  return read && { ...plain, condition: read };
}

/**
 * Operators and keys are the same in upper and lower case (IAM user guide, "IAM JSON policy elements: Condition").
 *
 * @returns undefined for a condition on more than one key, with a doubled operator, or with a value that is no string
 */
function conditionOf(condition: unknown): PlainStatement["condition"] {
  if (!isJsonObject(condition)) return undefined;
  const operators = new Map<string, readonly string[]>();
  let key: string | undefined;
  for (const [operator, keys] of Object.entries(condition)) {
    const [name, value] = onlyEntry(keys) ?? [];
    key ??= name?.toLowerCase();
    const values = texts(value);
    if (values === undefined || name?.toLowerCase() !== key || operators.has(operator.toLowerCase())) return undefined;
    operators.set(operator.toLowerCase(), values);
  }
  return key === undefined ? undefined : { key, operators };
}

/** The one member of an object. */
function onlyEntry(value: unknown): [name: string, value: unknown] | undefined {
  const [only, ...more] = isJsonObject(value) ? Object.entries(value) : [];
  return more.length === 0 ? only : undefined;
}

/**
 * What a document, or a part of it, means, as text: two documents share it when they differ only in the order of members, values or
 * statements, or in one value being written as a list. AWS gives a policy back in a form of its own, so bytes cannot tell
 * whether it was changed.
 */
export function meaningOf(value: unknown): string {
  if (Array.isArray(value)) {
    // Every list in a policy is a set, and one value is a list of one.
    const items = [...new Set(value.map(meaningOf))].sort(byCodeUnit);
    const [first, ...more] = items;
    return first !== undefined && more.length === 0 ? first : `[${items.join()}]`;
  }
  if (!isJsonObject(value)) return JSON.stringify(value);
  const members = Object.entries(value).map(([member, held]) => `${JSON.stringify(member)}:${meaningOf(held)}`);
  return `{${members.sort(byCodeUnit).join()}}`;
}

/**
 * Whether a principal is what AWS makes of a role or user that was deleted (IAM user guide, "IAM identifiers"): nobody
 * can act as it any more, and ECR refuses a policy that names it.
 */
export function isUniqueId(principal: string): boolean {
  return /^A(?:RO|ID)A[A-Z0-9]{12,124}(?::[\w+=,.@-]+)?$/.test(principal);
}

/** The AWS principals under a statement's `Principal` or `NotPrincipal`, as they stand there. */
export function awsPrincipals(statement: Statement, element: "Principal" | "NotPrincipal"): readonly string[] {
  const principals = statement[element];
  return texts(isJsonObject(principals) ? principals.AWS : principals) ?? [];
}
