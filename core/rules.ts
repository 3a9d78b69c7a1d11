import * as v from "valibot";
import type { Caller } from "./caller.ts";
import { ArtifactRegistryError } from "./errors.ts";
import { type Demand, type Grantee, validate } from "./operation.ts";
import { isOperationName, type OperationName } from "./operations.ts";

const pattern = v.pipe(v.string(), v.minLength(1, "must not be empty"));

const operationPattern = v.pipe(
  pattern,
  v.check((text) => text.includes("*") || isOperationName(text), "must be an operation's name or hold a *"),
);

const rule = v.strictObject({
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
  grantees: v.optional(v.array(pattern)),
});

const ruleList = v.array(rule);

/** Who may do what. Default deny: what no rule allows is refused. `*` stands for any run of characters. */
export type Rule = v.InferOutput<typeof rule>;

/** For a caller that the process itself stands for: a developer's own machine, an adapter in one's own process. */
export function allowEverything(caller: Caller): Rule[] {
  return [{ callers: [caller], operations: ["*"], registries: ["*"], repositories: ["*"], grantees: ["*"] }];
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
      hint: "Expected a JSON list of {callers, operations, registries, repositories, grantees?}.",
      cause: error,
    });
  }
}

/** Whether any rule could let the caller do this at all; asked before a registry is even opened. */
export function mayTry(rules: readonly Rule[], caller: Caller, operation: OperationName, registry: string): boolean {
  return applicable(rules, caller, operation, registry).length > 0;
}

/** Whether the rules allow all that the operation demands. */
export function allows(
  rules: readonly Rule[],
  caller: Caller,
  operation: OperationName,
  registry: string,
  demand: Demand,
): boolean {
  const matching = applicable(rules, caller, operation, registry).filter((each) => coversRepository(each, demand));
  return (
    matching.length > 0 && demand.grantees.every((grantee) => matching.some((each) => coversGrantee(each, grantee)))
  );
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
