import * as v from "valibot";
import type { Caller } from "./caller.ts";
import { ArtifactRegistryError } from "./errors.ts";
import { type Demand, type Grantee, validate } from "./operation.ts";
import { isOperationName, type OperationName } from "./operations.ts";
import { type Permissions, permissions } from "./schemas.ts";

const pattern = v.pipe(v.string(), v.minLength(1, "must not be empty"));

const operationPattern = v.pipe(
  pattern,
  v.check((text) => text.includes("*") || isOperationName(text), "must be an operation's name or hold a *"),
);

const ruleSchema = v.strictObject({
  callers: v.array(
    v.strictObject({
      // Literal on purpose: a subject means nothing without the issuer that vouches for it.
      issuer: v.pipe(
        pattern,
        v.check((text) => !text.includes("*"), "must be one issuer, without wildcards"),
      ),
      subject: pattern,
    }),
  ),
  operations: v.array(operationPattern),
  registries: v.array(pattern),
  repositories: v.array(pattern),
  /** Which credentials the rule allows. Literal: a rule without `push-pull` lets nobody push. */
  permissions: v.optional(v.array(permissions)),
  grantees: v.optional(v.array(pattern)),
});

const ruleList = v.array(ruleSchema);

/** The fields of a rule, and whether each may be left out. Whatever hands rules on has to know all of them. */
export const ruleFields = Object.entries(ruleSchema.entries).map(([name, { type }]) => ({
  name,
  optional: type === "optional",
}));

/** Who may do what. Default deny: what no rule allows is refused. `*` stands for any run of characters. */
export type Rule = v.InferOutput<typeof ruleSchema>;

/** What a rule without `permissions` allows. */
const defaultPermissions: readonly Permissions[] = ["pull"];

/** For a caller that the process itself stands for: a developer's own machine, an adapter in one's own process. */
export function allowEverything(caller: Caller): Rule[] {
  const everything = { operations: ["*"], registries: ["*"], repositories: ["*"], grantees: ["*"] };
  return [{ callers: [caller], ...everything, permissions: ["pull", "push-pull"] }];
}

/**
 * @param text JSON, the value of `ALIEN_ACCESS_RULES`
 * @throws BINDING_CONFIG_INVALID naming the field
 */
export function parseRules(text: string): Rule[] {
  try {
    return validate(ruleList, JSON.parse(text));
  } catch (error) {
    const why = error instanceof ArtifactRegistryError ? error.message : "It is not JSON.";
    throw new ArtifactRegistryError("BINDING_CONFIG_INVALID", `The access rules are not valid. ${why}`, {
      hint: `Expected a JSON list of {${ruleFields.map(({ name, optional }) => (optional ? `${name}?` : name)).join(", ")}}.`,
      cause: error,
    });
  }
}

/** Whether any rule could let the caller do this at all; asked before a registry is even opened. */
export function mayTry(rules: readonly Rule[], caller: Caller, operation: OperationName, registry: string): boolean {
  return applicable(rules, caller, operation, registry).length > 0;
}

/** The rules' answer to a call. A refusal says whether a rule covers the call in all but its `permissions`. */
export type Verdict = { readonly allowed: true } | { readonly allowed: false; readonly lacks: "rule" | "permissions" };

/**
 * Asks the rules for all that the operation demands. One and the same rule must cover caller, operation, registry,
 * repository and permissions: nothing is put together from two. Only the grantees of one call may be covered by
 * several such rules.
 */
export function authorise(
  rules: readonly Rule[],
  caller: Caller,
  operation: OperationName,
  registry: string,
  demand: Demand,
): Verdict {
  const covering = applicable(rules, caller, operation, registry).filter((each) => coversRepository(each, demand));
  const matching = covering.filter((each) => coversPermissions(each, demand));
  if (matching.length === 0) return { allowed: false, lacks: covering.length === 0 ? "rule" : "permissions" };
  const grants = demand.grantees.every((grantee) => matching.some((each) => coversGrantee(each, grantee)));
  return grants ? { allowed: true } : { allowed: false, lacks: "rule" };
}

/**
 * What the operator should know of rules that are valid but may not say what was meant.
 *
 * @returns one sentence or two for each such rule, which is named by its place in the list, from 0
 */
export function warningsAbout(rules: readonly Rule[]): string[] {
  return rules.flatMap((each, place) => {
    const mints = each.operations.some((text) => matches(text, "generateCredentials"));
    if (!mints || each.permissions !== undefined) return [];
    const [first, ...others] = each.callers.map(({ issuer, subject }) => `${issuer} ${subject}`);
    const callers = others.length === 0 ? first : `${first} and ${others.length} more`;
    return [
      `Access rule ${place} (callers: ${callers ?? "none"}) allows generateCredentials and has no "permissions": ` +
        `its callers may pull, and may not push. Write "permissions": ["pull"] to keep it so, or ` +
        `["pull", "push-pull"] if they push.`,
    ];
  });
}

function applicable(rules: readonly Rule[], caller: Caller, operation: OperationName, registry: string): Rule[] {
  return rules.filter(
    (each) =>
      each.callers.some(({ issuer, subject }) => issuer === caller.issuer && matches(subject, caller.subject)) &&
      each.operations.some((text) => matches(text, operation)) &&
      each.registries.some((text) => matches(text, registry)),
  );
}

function coversRepository(each: Rule, { repository }: Demand): boolean {
  if (repository === "none") return true;
  if (repository === "every") return each.repositories.includes("*");
  return each.repositories.some((text) => matches(text, repository));
}

function coversPermissions(each: Rule, { permissions }: Demand): boolean {
  return permissions === "none" || (each.permissions ?? defaultPermissions).includes(permissions);
}

function coversGrantee(each: Rule, names: Grantee): boolean {
  return (each.grantees ?? []).some((text) => names.some((name) => matches(text, name)));
}

/** Matches in linear time whatever the pattern: no regular expression is made from configuration. */
export function matches(text: string, value: string): boolean {
  const [first = "", ...rest] = text.split("*");
  const last = rest.pop();
  if (last === undefined) return value === first;
  if (value.length < first.length + last.length || !value.startsWith(first) || !value.endsWith(last)) return false;
  const end = value.length - last.length;
  let position = first.length;
  for (const piece of rest) {
    const found = value.indexOf(piece, position);
    if (found < 0 || found + piece.length > end) return false;
    position = found + piece.length;
  }
  return true;
}
