import { readFileSync } from "node:fs";
import type { Lack } from "../../core/audit.ts";
import type { AuthenticatedCaller } from "../../core/caller.ts";
import { ArtifactRegistryError, invalidInput } from "../../core/errors.ts";
import { parseIssuers } from "../../core/oidc-issuers.ts";
import type { Demand } from "../../core/operation.ts";
import { isOperationName, type OperationName, operationNames } from "../../core/operations.ts";
import { warningsAbout } from "../../core/rule-meaning.ts";
import { authorise, matches, type Rule } from "../../core/rules.ts";
import { parseRules } from "../../core/rules-source.ts";
import type { Permissions } from "../../core/schemas.ts";
import type { Environment } from "../binding.ts";

/** What is asked about the rules, as the options give it. */
export interface RulesQuestion {
  /** Issuer, subject, and claims as JSON. */
  readonly as?: readonly string[] | undefined;
  /** Operation, repository, and the permissions of credentials. */
  readonly may?: readonly string[] | undefined;
  readonly registry?: string | undefined;
}

export interface RulesReport {
  readonly lines: readonly string[];
  readonly warnings: readonly string[];
  /** 0, 1 for a file that a function would refuse, 4 for what no rule allows. */
  readonly exitCode: 0 | 1 | 4;
}

/**
 * Reads a file of access rules as a function does, with the issuers of `ALIEN_OIDC_ISSUERS` where it is set, and answers
 * whether a caller may do something.
 *
 * @throws INVALID_INPUT for a file that cannot be read, and for a question that makes no sense
 */
export function checkRules(file: string, { as, may, registry }: RulesQuestion, env: Environment): RulesReport {
  if ((as === undefined) !== (may === undefined)) throw invalidInput("--as and --may go together.");
  const issuers = env.ALIEN_OIDC_ISSUERS ? parseIssuers(env.ALIEN_OIDC_ISSUERS).map(({ issuer }) => issuer) : undefined;
  const text = read(file);
  let rules: readonly Rule[];
  try {
    rules = parseRules(text, issuers);
  } catch (error) {
    if (!(error instanceof ArtifactRegistryError)) throw error;
    return { lines: [error.message, ...(error.hint ? [error.hint] : [])], warnings: [], exitCode: 1 };
  }
  const warnings = warningsAbout(rules, issuers);
  if (as === undefined || may === undefined) {
    const count = `${rules.length} ${rules.length === 1 ? "rule" : "rules"}`;
    return { lines: [`A function takes this file: ${count}.`], warnings, exitCode: 0 };
  }
  const { allowed, lines } = explain(rules, {
    caller: callerOf(as),
    registry: registry ?? onlyRegistry(rules),
    ...wantedOf(may),
  });
  return { lines, warnings, exitCode: allowed ? 0 : 4 };
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new ArtifactRegistryError("INVALID_INPUT", `${file} cannot be read.`, { cause });
  }
}

function callerOf([issuer, subject, json, ...more]: readonly string[]): AuthenticatedCaller {
  if (issuer === undefined || subject === undefined || more.length > 0) {
    throw invalidInput("--as takes an issuer, a subject and, as JSON, claims.");
  }
  if (json === undefined) return { issuer, subject };
  const hint = `Write them as '{"environment":"production"}'.`;
  try {
    const claims: unknown = JSON.parse(json);
    if (typeof claims === "object" && claims !== null && !Array.isArray(claims)) {
      return { issuer, subject, claims: { ...claims } };
    }
  } catch {
    // The same sentence is for everything that is no object.
  }
  throw invalidInput("The claims must be a JSON object.", undefined, hint);
}

interface Wanted {
  readonly operation: OperationName;
  readonly demand: Demand;
}

function wantedOf([operation, repository, permissions, ...more]: readonly string[]): Wanted {
  if (operation === undefined || repository === undefined || more.length > 0) {
    throw invalidInput("--may takes an operation, a repository and, for generateCredentials, permissions.");
  }
  if (!isOperationName(operation)) {
    throw invalidInput(`There is no operation "${operation}".`, undefined, `Operations: ${operationNames.join(", ")}.`);
  }
  const mints = operation === "generateCredentials";
  if (permissions !== undefined && !(mints && isPermissions(permissions))) {
    throw invalidInput("Permissions are pull or push-pull, and for generateCredentials only.");
  }
  const asked = isPermissions(permissions) ? permissions : "pull";
  return {
    operation,
    demand: {
      repository: repository === "*" ? "every" : (repository as Exclude<Demand["repository"], "every" | "none">),
      permissions: mints ? asked : "none",
      grantees: [],
    },
  };
}

function isPermissions(text: string | undefined): text is Permissions {
  return text === "pull" || text === "push-pull";
}

/** @throws INVALID_INPUT unless the rules name one registry, and that without a wildcard */
function onlyRegistry(rules: readonly Rule[]): string {
  const literal = [...new Set(rules.flatMap(({ registries }) => registries))].filter((name) => !name.includes("*"));
  const [only, another] = literal;
  if (only !== undefined && another === undefined) return only;
  const names = literal.length === 0 ? "no registry by its whole name" : `several registries: ${literal.join(", ")}`;
  throw invalidInput(`The rules name ${names}.`, undefined, "Pass --registry.");
}

interface Question extends Wanted {
  readonly caller: AuthenticatedCaller;
  readonly registry: string;
}

function explain(rules: readonly Rule[], question: Question): { allowed: boolean; lines: string[] } {
  const { caller, operation, registry, demand } = question;
  const verdict = authorise(rules, caller, operation, registry, demand);
  // One rule must cover all of a call, so that each can be asked by itself.
  const each = rules.map((rule, place) => ({
    rule,
    place,
    verdict: authorise([rule], caller, operation, registry, demand),
  }));
  if (!verdict.allowed) {
    const { lacks } = verdict;
    if (lacks === "rule") return { allowed: false, lines: ["No.", nobodyNames(rules, question)] };
    const missed = each.filter((one) => !one.verdict.allowed && one.verdict.lacks === lacks);
    const lines = missed.map(
      ({ rule, place }) => `${named(rule, place)} lacks only this: ${lacking[lacks](rule, question)}`,
    );
    return { allowed: false, lines: ["No.", ...lines] };
  }
  const { maxTtlSeconds } = verdict;
  const best = each.find(
    (one) => one.verdict.allowed && (one.verdict.maxTtlSeconds ?? Infinity) === (maxTtlSeconds ?? Infinity),
  );
  const lifetime = maxTtlSeconds === undefined ? "as long as the platform gives" : `at most ${maxTtlSeconds} s`;
  return {
    allowed: true,
    lines: [
      `Yes. ${best ? named(best.rule, best.place) : "A rule"} allows it.`,
      ...(demand.permissions === "none" ? [] : [`The credentials live ${lifetime}.`]),
      ...(/CrossAccount|setup|removeGrantee/.test(operation) && operation !== "getCrossAccountAccess"
        ? [`It may name as consumers: ${best?.rule.grantees?.join(", ") ?? "nobody"}.`]
        : []),
    ],
  };
}

function named({ callers }: Rule, place: number): string {
  const [first, ...others] = callers.map(({ issuer, subject }) => `${issuer} ${subject}`);
  return `Rule ${place} (callers: ${first ?? "none"}${others.length > 0 ? ` and ${others.length} more` : ""})`;
}

/** What a rule says of the one thing that it does not allow. */
const lacking: Readonly<Record<Exclude<Lack, "rule">, (rule: Rule, question: Question) => string>> = {
  claims: ({ callers }, { caller }) => {
    const asked = callers.filter(({ issuer, subject }) => issuer === caller.issuer && matches(subject, caller.subject));
    const has = JSON.stringify(caller.claims ?? {});
    return `it asks for the claims ${asked.map(({ claims }) => JSON.stringify(claims)).join(" or ")}, and the caller has ${has}.`;
  },
  permissions: ({ permissions = ["pull"] }, { demand }) =>
    `it allows ${permissions.join(" and ") || "no credentials"}, and not ${demand.permissions}.`,
  via: ({ via = [] }) => `its credentials count at ${via.join(" and ") || "no place"}, and not at the registry.`,
  grantees: () => "it names no such consumer.",
};

/** Says which part of the question no rule covers any more: caller, operation, registry, repository, in this order. */
function nobodyNames(rules: readonly Rule[], { caller, operation, registry, demand }: Question): string {
  const { repository } = demand;
  const steps: readonly (readonly [what: string, covers: (rule: Rule) => boolean])[] = [
    [
      `the caller ${caller.issuer} ${caller.subject}`,
      ({ callers }) => callers.some((one) => one.issuer === caller.issuer && matches(one.subject, caller.subject)),
    ],
    [`the operation ${operation}`, ({ operations }) => operations.some((text) => matches(text, operation))],
    [`the registry ${registry}`, ({ registries }) => registries.some((text) => matches(text, registry))],
  ];
  let left = rules.map((rule, place) => ({ rule, place }));
  let known = "";
  for (const [what, covers] of steps) {
    const next = left.filter(({ rule }) => covers(rule));
    if (next.length === 0) return `${known === "" ? "No rule names" : `${known} none of them names`} ${what}.`;
    left = next;
    known = `${left.map((one) => named(one.rule, one.place)).join(", ")} would fit so far, but`;
  }
  return `${known} none of them names ${repository === "every" ? "every repository (*)" : `the repository ${repository}`}.`;
}
