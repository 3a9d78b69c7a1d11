import { GcpError } from "../errors.ts";
import { acceptsConditions, knowsModifiedGrants, knowsResourceName } from "./conditions-allowed.ts";
import type { Condition } from "./policy.ts";
import type { EffectiveTag } from "./tags.ts";

/** What a condition may look at. */
export interface ConditionContext {
  /** The service that is asked, as permissions begin: `artifactregistry`, `iam`. Each knows some attributes only. */
  readonly service: string;
  readonly resource: string;
  readonly now: Date;
  /** The tags of the resource, inherited ones included. */
  readonly tags: readonly EffectiveTag[];
  /** The roles that somebody is given or loses, where a policy is written. */
  readonly modifiedRoles?: readonly string[];
}

/**
 * Whether a condition holds. It may have clauses joined by `&&`. Whatever else CEL can say is not understood and
 * therefore does not hold, and neither does a clause on an attribute that the service does not recognise.
 */
export function holds(expression: string, context: ConditionContext): boolean {
  return clauses(expression).every((clause) => clauseHolds(clause, context));
}

/**
 * Checks whether the policy of a resource takes a condition.
 *
 * @param service whose resource it is, as permissions begin
 * @throws INVALID_ARGUMENT
 */
export function checkCondition(service: string, { title, expression }: Condition): void {
  if (title === "" || expression === "") throw refused("A condition must have a title and an expression.");
  if (modifiedGrants.test(expression) && service !== "resourcemanager") {
    throw refused("Only the policies of projects, folders and organizations accept modifiedGrantsByRole.");
  }
  if (acceptsConditions.has(service) || clauses(expression).every((clause) => tagClause.test(clause))) return;
  throw refused("Conditions other than on resource tags are not supported for this resource.");
}

const refused = (message: string) => new GcpError("INVALID_ARGUMENT", message);

const clauses = (expression: string) => expression.split("&&").map((clause) => clause.trim());

const modifiedGrants = /iam\.googleapis\.com\/modifiedGrantsByRole/;
const modifiedGrantsClause =
  /^api\.getAttribute\('iam\.googleapis\.com\/modifiedGrantsByRole', \[\]\)\.hasOnly\(\[((?:'[^']*'(?:, )?)*)\]\)$/;
const tagClause = /^resource\.(matchTag|matchTagId)\(["']([^"']*)["'], *["']([^"']*)["']\)$/;

function clauseHolds(clause: string, { service, resource, now, tags, modifiedRoles = [] }: ConditionContext): boolean {
  if (clause === "true") return true;
  if (modifiedGrants.test(clause)) {
    // "If the resource's service does not recognize the modifiedGrantsByRole attribute, then the request fails."
    if (!knowsModifiedGrants.has(service)) return false;
    const roles = modifiedGrantsClause.exec(clause)?.[1]?.split(", ");
    return roles !== undefined && modifiedRoles.every((role) => roles.includes(`'${role}'`));
  }
  const [, by, key = "", value = ""] = tagClause.exec(clause) ?? [];
  if (by === "matchTagId") return tags.some((tag) => tag.keyId === key && tag.valueId === value);
  if (by === "matchTag") return tags.some((tag) => tag.keyName === key && tag.valueName === value);
  const [, method, start] = /^resource\.name\.(startsWith|endsWith)\(["']([^"']*)["']\)$/.exec(clause) ?? [];
  if (start !== undefined) {
    return (
      knowsResourceName.has(service) &&
      (method === "startsWith" ? resource.startsWith(start) : resource.endsWith(start))
    );
  }
  const [, name] = /^resource\.name *== *["']([^"']*)["']$/.exec(clause) ?? [];
  if (name !== undefined) return knowsResourceName.has(service) && resource === name;
  const [, sign, time] = /^request\.time *(<|>) *timestamp\(["']([^"']*)["']\)$/.exec(clause) ?? [];
  if (time === undefined) return false;
  return sign === "<" ? now < new Date(time) : now > new Date(time);
}
