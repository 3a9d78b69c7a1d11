import { ArtifactRegistryError } from "../../../core/errors.ts";
import { type Statement, sidOf } from "./document.ts";
import { texts } from "./elements.ts";
import { isJsonObject } from "./json.ts";

/**
 * Whether a principal is what AWS makes of a role or user that was deleted (IAM user guide, "IAM identifiers"): nobody
 * can act as it any more, and ECR refuses a policy that names it.
 */
export function isUniqueId(principal: string): boolean {
  return /^A(?:RO|ID)A[A-Z0-9]{12,124}(?::[\w+=,.@-]+)?$/.test(principal);
}

/** The unique ids under a statement's `Principal` or `NotPrincipal`. */
export function uniqueIdsOf(statement: Statement, element: "Principal" | "NotPrincipal"): string[] {
  const principals = statement[element];
  const aws = isJsonObject(principals) ? principals.AWS : principals;
  return (texts(aws) ?? []).filter(isUniqueId);
}

/**
 * A statement as it can be sent back: without unique ids among its principals.
 *
 * @param position of the statement in its document, from 1: its name where it has no Sid
 * @returns undefined when no principal is left; the statement itself when there is nothing to drop
 * @throws RESOURCE_CONFLICT naming the Sid when a unique id stands under `NotPrincipal`: dropping it there would change
 * whom the statement is about
 */
export function withoutUniqueIds(statement: Statement, position: number): Statement | undefined {
  if (uniqueIdsOf(statement, "NotPrincipal").length > 0) throw underNotPrincipal(sidOf(statement), position);
  if (uniqueIdsOf(statement, "Principal").length === 0) return statement;
  const { Principal: principals } = statement;
  if (!isJsonObject(principals)) return undefined;

  const { AWS: aws, ...others } = principals;
  const left = texts(aws)?.filter((principal) => !isUniqueId(principal)) ?? [];
  if (left.length > 0) return { ...statement, Principal: { ...principals, AWS: left } };
  return Object.keys(others).length > 0 ? { ...statement, Principal: others } : undefined;
}

function underNotPrincipal(sid: string | undefined, position: number): ArtifactRegistryError {
  const which = sid === undefined ? `number ${position} (without a Sid)` : `"${sid}"`;
  return new ArtifactRegistryError(
    "RESOURCE_CONFLICT",
    `Statement ${which} of the repository's policy names a deleted role or user under NotPrincipal, and AWS takes the policy no more.`,
    { hint: "Mend that statement in ECR, then repeat the call.", context: { statement: sid ?? position } },
  );
}
