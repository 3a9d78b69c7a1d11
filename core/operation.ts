import * as v from "valibot";
import type { AskedFor, Outcome } from "./audit.ts";
import type { Call } from "./call.ts";
import { ArtifactRegistryError, invalidInput } from "./errors.ts";
import type { RoutableName } from "./names.ts";
import type { PageTokens } from "./pages.ts";
import type { ArtifactRegistry } from "./registry.ts";
import { type CrossAccountAccess, type Finding, type Permissions, registryName } from "./schemas.ts";

/** What the rules must allow a caller before an operation runs. It is about resolved names only. */
export interface Demand {
  /** One repository, all of them where the effect is registry-wide, or none. */
  readonly repository: RoutableName | "every" | "none";
  /** The permissions of the credentials that the operation hands out; `none` if it hands out none. */
  readonly permissions: Permissions | "none";
  /** Everybody whom the operation would let in. A rule must cover each of them, under any one of its names. */
  readonly grantees: readonly Grantee[];
}

/** What the rules must allow: mostly one demand. Those for further repositories follow. */
export type Demands = readonly [Demand, ...Demand[]];

/** A consumer, with the ways in which a rule may name it: a role is covered by its ARN or by its whole account. */
export type Grantee = readonly [string, ...string[]];

/**
 * Whom a cross-account access would let in, as access rules name them: `aws:{account}`, `aws:{role ARN}`,
 * `gcp:{project number}`, `gcp:{e-mail}`. A role may be covered by a rule for its whole account.
 */
export function granteesOf(access: CrossAccountAccess): Grantee[] {
  switch (access.type) {
    case "aws":
      return [
        ...access.accountIds.map((id): Grantee => [`aws:${id}`]),
        ...access.roleArns.map((arn): Grantee => [`aws:${arn}`, `aws:${arn.split(":")[4]}`]),
      ];
    case "gcp":
      return [
        ...access.projectNumbers.map((number): Grantee => [`gcp:${number}`]),
        ...access.serviceAccountEmails.map((email): Grantee => [`gcp:${email}`]),
      ];
  }
}

/** The demand of what is about one repository, and hands out nothing. */
export const onRepository = (registry: ArtifactRegistry, { repoId }: { repoId: string }): Demand => ({
  repository: registry.resolveId(repoId),
  permissions: "none",
  grantees: [],
});

/** The demand of what is about all repositories. */
export const onEveryRepository = (): Demand => ({ repository: "every", permissions: "none", grantees: [] });

/** The refusal of what a platform cannot do. The reason, and how to do it on that platform, come from its capabilities. */
export function notSupported(registry: ArtifactRegistry, operation: string): ArtifactRegistryError {
  const why = registry.capabilities.unsupported[operation];
  return new ArtifactRegistryError(
    "OPERATION_NOT_SUPPORTED",
    why?.reason ?? `The ${registry.service} platform does not support this operation.`,
    { ...(why && { hint: why.hint }), context: { service: registry.service } },
  );
}

/** `runtime` operations serve repositories; `provision` ones make and unmake registries, behind a door of their own. */
export type OperationKind = "runtime" | "provision" | "both";

/** One row of the table from which HTTP routes, direct invoke, OpenAPI, the client and the CLI are made. */
export interface Operation {
  readonly summary: string;
  readonly description: string;
  readonly kind: OperationKind;
  readonly input: v.GenericSchema;
  readonly output: v.GenericSchema;
  /** Checks the input. @throws INVALID_INPUT with the field that is wrong */
  parse(input: unknown): ParsedOperation;
}

/** An operation whose input is known to be well formed. */
export interface ParsedOperation {
  readonly registry: string;
  /** The id as the caller gave it, for the audit log. */
  readonly repoId: string | undefined;
  /** All ids in the input, as the caller gave them, or the name of what is to be created. */
  readonly repoIds: readonly string[];
  /** What the caller asked for, for the audit log. */
  readonly asked: AskedFor;
  /** The rules must allow each of these. The first one is about the repository that the input names. */
  demands(registry: ArtifactRegistry): Demands;
  /** @returns the answer as it goes over the wire, secrets revealed */
  run(registry: ArtifactRegistry, call: Call, bounds: Bounds): Promise<object>;
}

/** What an operation gets beside its input and its call. */
export interface Bounds {
  /** The longest lifetime, in seconds, of credentials that the caller's rules allow. Absent where they set none. */
  readonly maxTtlSeconds?: number;
  /** Whether the caller's rules for this operation cover a repository. Lists answer no other. */
  covers(name: RoutableName): boolean;
  /** Makes and reads the tokens of a list's pages. */
  readonly pages: PageTokens;
  /** What is wrong with the suite itself, for whoever asks how the registry is. */
  readonly findings: readonly Finding[];
  /** Tells the audit log what came of it. */
  tell(outcome: Outcome): void;
}

interface Definition<Entries extends v.ObjectEntries, Output extends v.GenericSchema<object>> {
  readonly summary: string;
  readonly description: string;
  readonly kind: OperationKind;
  /** The fields beside `registry`, which every operation takes. */
  readonly input: Entries;
  readonly output: Output;
  /** What the audit log says of the input beside the registry and the repository. */
  asked?(input: Input<Entries>): AskedFor;
  demand(registry: ArtifactRegistry, input: Input<Entries>): Demand | Demands;
  run(registry: ArtifactRegistry, input: Input<Entries>, call: Call, bounds: Bounds): Promise<v.InferOutput<Output>>;
}

type Input<Entries extends v.ObjectEntries> = v.InferOutput<v.StrictObjectSchema<Entries, undefined>> & {
  readonly registry: string;
};

/** Makes a row of the table. All operations take `registry`, so it is not among the fields of the definition. */
export function defineOperation<Entries extends v.ObjectEntries, Output extends v.GenericSchema<object>>(
  definition: Definition<Entries, Output>,
): Operation {
  const input = v.strictObject({ registry: registryName, ...definition.input });
  return {
    summary: definition.summary,
    description: definition.description,
    kind: definition.kind,
    input,
    output: definition.output,
    parse(raw) {
      // The validator would take an array for an object without fields.
      if (Array.isArray(raw)) throw invalidInput("The body must be a JSON object.");
      const parsed = validate(input, raw) as Input<Entries>;
      const named = parsed as { registry: string; repoId?: string; name?: string; alsoPull?: readonly string[] };
      return {
        registry: named.registry,
        repoId: named.repoId ?? named.name,
        repoIds: [named.repoId ?? named.name ?? [], named.alsoPull ?? []].flat(),
        asked: definition.asked?.(parsed) ?? {},
        demands(registry) {
          const demand = definition.demand(registry, parsed);
          return "repository" in demand ? [demand] : demand;
        },
        run: (registry, call, bounds) => definition.run(registry, parsed, call, bounds),
      };
    },
  };
}

/**
 * Checks a value against a schema.
 *
 * @returns the validated value, with the defaults of the schema
 * @throws INVALID_INPUT whose message and context name the first field that is wrong
 *
 * @example
 * const { service } = validate(v.looseObject({ service: v.string() }), JSON.parse(text));
 */
export function validate<Schema extends v.GenericSchema>(schema: Schema, value: unknown): v.InferOutput<Schema> {
  const result = v.safeParse(schema, value, { abortEarly: true, abortPipeEarly: true });
  if (result.success) return result.output;
  const issue = result.issues[0];
  const path = v.getDotPath(issue) ?? "";
  // The caller chooses the name of a field that we do not know, and it may be long.
  const field = path.length <= 100 ? path : `${path.slice(0, 97)}...`;
  throw invalidInput(explain(issue, field), field === "" ? undefined : field);
}

const plainWords: Readonly<Record<string, string>> = {
  Array: "a list",
  Object: "an object",
  string: "a string",
  number: "a number",
  boolean: "true or false",
};

function explain(issue: v.BaseIssue<unknown>, field: string): string {
  const name = field === "" ? "The body" : `"${field}"`;
  if (issue.type === "strict_object") {
    if (issue.expected === "never") return `"${field}" is not a field of this operation.`;
    if (issue.received === "undefined") return `${name} is missing.`;
    return `${name} must be a JSON object.`;
  }
  if (issue.received === "undefined") return `${name} is missing.`;
  // Messages of our schemas begin with "must". In place of the library's own messages we write one of what it expected and got.
  if (issue.message.startsWith("must")) return `${name} ${issue.message}.`;
  const expected = issue.expected ?? "valid";
  return `${name} must be ${plainWords[expected] ?? expected}; got ${plainWords[issue.received] ?? issue.received}.`.replace(
    /"([^"]{80})[^"]+"/,
    '"$1..."',
  );
}
