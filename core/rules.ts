import * as v from "valibot";
import type { Lack } from "./audit.ts";
import type { AuthenticatedCaller, Caller } from "./caller.ts";
import type { Demand, Grantee } from "./operation.ts";
import { isOperationName, type OperationName } from "./operations.ts";
import { type Permissions, permissions, via } from "./schemas.ts";

const pattern = v.pipe(v.string(), v.minLength(1, "must not be empty"));

const operationPattern = v.pipe(
  pattern,
  v.check((text) => text.includes("*") || isOperationName(text), "must be an operation's name or hold a *"),
);

/** One `*` at the end at most: a branch may be named `x@refs/heads/main`, so that what follows a `*` pins nothing. */
const claimPattern = v.pipe(
  pattern,
  v.check((text) => !text.slice(0, -1).includes("*"), "must have no * but one at its end"),
);

/** The validator drops these names without a word, and a rule that lost a claim would be wider than it was written. */
const unkeptNames = ["__proto__", "prototype", "constructor"];

const claimsSchema = v.pipe(
  v.custom<object>(
    (value) => !Array.isArray(value) && !unkeptNames.some((name) => Object.hasOwn(Object(value), name)),
    "must name claims that tokens have",
  ),
  v.record(
    v.string(),
    v.union(
      [claimPattern, v.pipe(v.array(claimPattern), v.minLength(1, "must not be empty"))],
      "must be a pattern or a list of patterns",
    ),
  ),
);

const callerSchema = v.strictObject({
  // Literal on purpose: a subject means nothing without the issuer that vouches for it.
  issuer: v.pipe(
    pattern,
    v.check((text) => !text.includes("*"), "must be one issuer, without wildcards"),
  ),
  subject: pattern,
  /** What else the verified token must say. Every claim that is named here must fit. */
  claims: v.optional(claimsSchema),
});

const ruleSchema = v.strictObject({
  callers: v.array(callerSchema),
  operations: v.array(operationPattern),
  registries: v.array(pattern),
  repositories: v.array(pattern),
  /** Which credentials the rule allows. Literal: a rule without `push-pull` lets nobody push. */
  permissions: v.optional(v.array(permissions)),
  /** The longest lifetime, in seconds, of a credential that the rule allows. */
  maxTtlSeconds: v.optional(
    v.pipe(v.number(), v.integer("must be a whole number of seconds"), v.minValue(1, "must be at least 1 second")),
  ),
  /** Where the credentials that the rule allows count. Absent means everywhere. */
  via: v.optional(v.array(via)),
  grantees: v.optional(v.array(pattern)),
  /** A label that ties rules of one customer together for people. It allows nothing. */
  consumer: v.optional(pattern),
});

export const ruleList = v.array(ruleSchema);

/** The fields of a rule, and whether each may be left out. Whatever hands rules on has to know all of them. */
export const ruleFields = fieldsOf(ruleSchema.entries);

/** The fields of one of a rule's callers, likewise. */
export const callerFields = fieldsOf(callerSchema.entries);

function fieldsOf(entries: Readonly<Record<string, { readonly type: string }>>) {
  return Object.entries(entries).map(([name, { type }]) => ({ name, optional: type === "optional" }));
}

/** Who may do what. Default deny: what no rule allows is refused. `*` stands for any run of characters. */
export type Rule = v.InferOutput<typeof ruleSchema>;

/** One of a rule's callers: a pattern that callers fit or do not. */
export type RuleCaller = Rule["callers"][number];

/** What a rule without `permissions` allows. */
const defaultPermissions: readonly Permissions[] = ["pull"];

/** For a caller that the process itself stands for: a developer's own machine, an adapter in one's own process. */
export function allowEverything(caller: Caller): Rule[] {
  const everything = { operations: ["*"], registries: ["*"], repositories: ["*"], grantees: ["*"] };
  const { issuer, subject } = caller;
  return [{ callers: [{ issuer, subject }], ...everything, permissions: ["pull", "push-pull"] }];
}

/** The rules' answer to a call. */
export type Verdict = Allowed | Refused;

export interface Allowed {
  readonly allowed: true;
  /** The longest lifetime, in seconds, of a credential that may be handed out. Absent where no rule sets one. */
  readonly maxTtlSeconds?: number;
  /** The claims of the caller that the rule asked for, as the token has them. */
  readonly claims: Readonly<Record<string, unknown>>;
}

export interface Refused {
  readonly allowed: false;
  readonly lacks: Lack;
  /** Where claims are lacking: those of the caller that rules asked for, as the token has them. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

/**
 * Tells whether any rule could let the caller do this at all. Asked before a registry is even opened.
 *
 * @returns the refusal, or undefined where it is worth a try
 */
export function refuseEarly(
  rules: readonly Rule[],
  caller: AuthenticatedCaller,
  operation: OperationName,
  registry: string,
): Refused | undefined {
  const named = naming(rules, caller, operation, registry);
  if (named.some((each) => callerOf(each, caller) !== undefined)) return undefined;
  return named.length === 0 ? { allowed: false, lacks: "rule" } : lackingClaims(named, caller);
}

/**
 * Asks the rules for all that the operation demands. One and the same rule must cover caller, operation, registry,
 * repository, permissions and way, and gives the lifetime: nothing is put together from two. Only the grantees of one call
 * may be covered by several such rules. Where several rules cover a call, the one that allows the longest lifetime counts.
 */
export function authorise(
  rules: readonly Rule[],
  caller: AuthenticatedCaller,
  operation: OperationName,
  registry: string,
  demand: Demand,
): Verdict {
  // Each step leaves fewer rules. The step that leaves none tells what the others lack.
  const steps: readonly (readonly [Lack, (each: Rule) => boolean])[] = [
    ["rule", (each) => coversRepository(each, demand)],
    ["claims", (each) => callerOf(each, caller) !== undefined],
    ["permissions", (each) => coversPermissions(each, demand)],
    ["via", (each) => coversWay(each, demand)],
  ];
  let covering = naming(rules, caller, operation, registry);
  for (const [lacks, covers] of steps) {
    const before = covering;
    covering = covering.filter(covers);
    if (covering.length === 0) return lacks === "claims" ? lackingClaims(before, caller) : { allowed: false, lacks };
  }
  const grants = demand.grantees.every((grantee) => covering.some((each) => coversGrantee(each, grantee)));
  if (!grants) return { allowed: false, lacks: "grantees" };
  const best = covering.reduce((one, other) => (longest(other) > longest(one) ? other : one));
  const pattern = callerOf(best, caller);
  return {
    allowed: true,
    ...(best.maxTtlSeconds !== undefined && { maxTtlSeconds: best.maxTtlSeconds }),
    claims: claimsAsked(pattern ? [pattern] : [], caller),
  };
}

function lackingClaims(named: readonly Rule[], caller: AuthenticatedCaller): Refused {
  const patterns = named.flatMap(({ callers }) => callers.filter((pattern) => names(pattern, caller)));
  return { allowed: false, lacks: "claims", claims: claimsAsked(patterns, caller) };
}

/** The claims that these patterns ask for, as far as the caller has them. */
function claimsAsked(patterns: readonly RuleCaller[], { claims = {} }: AuthenticatedCaller): Record<string, unknown> {
  const asked = patterns.flatMap((pattern) => Object.keys(pattern.claims ?? {}));
  return Object.fromEntries(asked.filter((name) => Object.hasOwn(claims, name)).map((name) => [name, claims[name]]));
}

function longest({ maxTtlSeconds = Number.MAX_VALUE }: Rule): number {
  return maxTtlSeconds;
}

/** The rules that name the caller, the operation and the registry, whatever the caller's claims are. */
function naming(
  rules: readonly Rule[],
  caller: AuthenticatedCaller,
  operation: OperationName,
  registry: string,
): Rule[] {
  return rules.filter(
    (each) =>
      each.callers.some((pattern) => names(pattern, caller)) &&
      each.operations.some((text) => matches(text, operation)) &&
      each.registries.some((text) => matches(text, registry)),
  );
}

/** The first of the rule's callers that the caller is. */
function callerOf(each: Rule, caller: AuthenticatedCaller): RuleCaller | undefined {
  return each.callers.find((pattern) => names(pattern, caller) && fitsClaims(pattern, caller));
}

function names({ issuer, subject }: RuleCaller, caller: Caller): boolean {
  return issuer === caller.issuer && matches(subject, caller.subject);
}

function fitsClaims({ claims = {} }: RuleCaller, caller: AuthenticatedCaller): boolean {
  return Object.entries(claims).every(([name, patterns]) => {
    const has = caller.claims && Object.hasOwn(caller.claims, name) ? caller.claims[name] : undefined;
    const values = (Array.isArray(has) ? has : [has]).flatMap(inWords);
    return [patterns].flat().some((text) => values.some((value) => matches(text, value)));
  });
}

/** A claim is compared as text. An object, or nothing, fits no pattern. */
function inWords(value: unknown): string[] {
  return ["string", "number", "boolean"].includes(typeof value) ? [String(value)] : [];
}

function coversRepository(each: Rule, { repository }: Demand): boolean {
  if (repository === "none") return true;
  if (repository === "every") return each.repositories.includes("*");
  return each.repositories.some((text) => matches(text, repository));
}

function coversPermissions(each: Rule, { permissions }: Demand): boolean {
  return permissions === "none" || (each.permissions ?? defaultPermissions).includes(permissions);
}

/** Credentials that the platform itself honours are the only ones so far: a rule for the gateway alone allows none of them. */
function coversWay(each: Rule, { permissions }: Demand): boolean {
  return permissions === "none" || each.via === undefined || each.via.includes("registry");
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
