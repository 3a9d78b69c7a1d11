import { ArtifactRegistryError } from "../../../core/errors.ts";
import { refuseOtherPartitions } from "../grants/changes.ts";
import { type GrantSet, type RegionSet, regionSets } from "../grants/grant.ts";
import {
  awsPrincipals,
  isJsonObject,
  isUniqueId,
  type JsonObject,
  meaningOf,
  type Statement,
  sidOf,
  texts,
} from "./document.ts";
import { accountActions, ourSids, type Policy, type PolicyContext, sourceArn, workerActions } from "./read.ts";

/** Amazon ECR, SetRepositoryPolicy: characters of `policyText`. */
export const policyLimit = 10_240;

const ownEnvelope = { Version: "2012-10-17" };

export interface WrittenPolicy {
  /** Absent where no statement is left: the policy is to be deleted. */
  readonly text: string | undefined;
  /** Whether it means anything else than the policy that stands. */
  readonly differs: boolean;
}

/**
 * The policy that holds exactly these grants, beside what others wrote: foreign statements first, unchanged and in their
 * order, then ours. The text depends on the grants and on what is foreign, and on nothing else. The one thing dropped
 * from foreign statements are principals that AWS turned into unique ids, and those that it refuses.
 *
 * @param previous the policy that stands
 * @param refused principals, as a policy names them, that AWS takes no policy with
 * @throws RESOURCE_CONFLICT for a unique id under `NotPrincipal`; INVALID_INPUT for a role of another partition;
 *   QUOTA_EXCEEDED above 10,240 characters
 */
export function writePolicy(
  previous: Policy,
  grants: GrantSet,
  context: PolicyContext,
  refused: ReadonlySet<string> = new Set(),
): WrittenPolicy {
  refuseOtherPartitions(grants.roles, context.partition);
  const foreign = keptOf(previous, (principal) => isUniqueId(principal) || refused.has(principal));
  const statements = [...foreign, ...statementsFor(grants, foreign, context)];
  const stands = previous.document?.envelope;
  if (statements.length === 0) return { text: undefined, differs: stands !== undefined };

  const document = { ...(isOurs(stands, foreign) ? ownEnvelope : stands), Statement: statements };
  const text = JSON.stringify(document);
  if (text.length > policyLimit) throw tooLong(text.length, grants, foreign);
  return { text, differs: stands === undefined || meaningOf(stands) !== meaningOf(document) };
}

/** Whether the whole document is ours, and its version too: nobody else has put anything into it. */
function isOurs(stands: JsonObject | undefined, foreign: readonly Statement[]): boolean {
  const members = Object.keys(stands ?? {});
  return foreign.length === 0 && members.every((member) => ["Version", "Statement"].includes(member));
}

/** Our statements for a set of grants: one for accounts, one for roles, one for Lambda per set of regions. */
function statementsFor(grants: GrantSet, foreign: readonly Statement[], context: PolicyContext): Statement[] {
  const sid = sidsBeside(foreign);
  const pull = (base: string, principals: readonly string[]): Statement[] =>
    principals.length === 0
      ? []
      : [{ Sid: sid(base), Effect: "Allow", Principal: { AWS: principals }, Action: accountActions }];

  const accounts = grants.accounts.map((accountId) => rootArn(accountId, context));
  return [
    ...pull(ourSids.accounts, accounts),
    ...pull(ourSids.roles, grants.roles),
    ...regionSets(grants.workers).map((set) => ({
      Sid: sid(ourSids.workers),
      Effect: "Allow",
      Principal: { Service: "lambda.amazonaws.com" },
      Action: workerActions,
      Condition: sourceArnCondition(set, context),
    })),
  ];
}

/**
 * The condition under which Lambda acts for functions of these accounts in these regions. Two operators on one key are
 * ANDed: accounts under one and regions under the other bound accounts × regions without writing the product out.
 */
function sourceArnCondition({ accountIds, regions }: RegionSet, { partition }: PolicyContext): JsonObject {
  return {
    ArnLike: { [sourceArn]: accountIds.map((accountId) => `arn:${partition}:lambda:*:${accountId}:function:*`) },
    ...(regions !== "any" && {
      StringLike: { [sourceArn]: regions.map((region) => `arn:${partition}:lambda:${region}:*`) },
    }),
  };
}

/**
 * Gives out Sids that are unique in a policy: the base name, or the first number that no other statement bears. An edited
 * statement may keep a name of ours, so the names depend on what is foreign, and on nothing else.
 */
function sidsBeside(foreign: readonly Statement[]): (base: string) => string {
  const taken = new Set(foreign.map((statement) => sidOf(statement)?.toLowerCase()));
  return (base) => {
    let sid = base;
    for (let n = 2; taken.has(sid.toLowerCase()); n++) sid = `${base}${n}`;
    taken.add(sid.toLowerCase());
    return sid;
  };
}

/** How a policy names an account. */
function rootArn(accountId: string, { partition }: PolicyContext): string {
  return `arn:${partition}:iam::${accountId}:root`;
}

/** The principals that a policy with these grants names: theirs, and those of foreign statements. */
export function principalsOf({ foreign }: Policy, grants: GrantSet, context: PolicyContext): string[] {
  const theirs = foreign.flatMap((statement) => [
    ...awsPrincipals(statement, "Principal"),
    ...awsPrincipals(statement, "NotPrincipal"),
  ]);
  const ours = [...grants.accounts.map((accountId) => rootArn(accountId, context)), ...grants.roles];
  return [...new Set([...ours, ...theirs])].filter((principal) => principal !== "*" && !isUniqueId(principal));
}

/** Foreign statements without the principals that ECR takes no policy with. One that is left with none is dropped. */
function keptOf({ document, foreign }: Policy, isGone: (principal: string) => boolean): Statement[] {
  return foreign.flatMap((statement) => {
    if (awsPrincipals(statement, "NotPrincipal").some(isGone)) {
      throw underNotPrincipal(sidOf(statement), (document?.statements.indexOf(statement) ?? 0) + 1);
    }
    return awsPrincipals(statement, "Principal").some(isGone) ? without(statement, isGone) : [statement];
  });
}

function without(statement: Statement, isGone: (principal: string) => boolean): Statement[] {
  const { Principal: principals } = statement;
  if (!isJsonObject(principals)) return [];
  const { AWS: aws, ...others } = principals;
  const left = texts(aws)?.filter((principal) => !isGone(principal)) ?? [];
  if (left.length > 0) return [{ ...statement, Principal: { ...principals, AWS: left } }];
  return Object.keys(others).length > 0 ? [{ ...statement, Principal: others }] : [];
}

/** Dropping a principal there would change whom the statement is about. */
function underNotPrincipal(sid: string | undefined, position: number): ArtifactRegistryError {
  const which = sid === undefined ? `number ${position} (without a Sid)` : `"${sid}"`;
  return new ArtifactRegistryError(
    "RESOURCE_CONFLICT",
    `Statement ${which} of the repository's policy names somebody under NotPrincipal who is gone, or whom AWS refuses, and AWS takes the policy no more.`,
    { hint: "Mend that statement in ECR, then repeat the call.", context: { statement: sid ?? position } },
  );
}

function tooLong(characters: number, grants: GrantSet, foreign: readonly Statement[]): ArtifactRegistryError {
  const { accounts, roles, workers } = grants;
  return new ArtifactRegistryError(
    "QUOTA_EXCEEDED",
    `The repository's policy would have ${characters} characters; Amazon ECR allows ${policyLimit}. Nothing was changed.`,
    {
      hint: "Give consumers the same regions, or any region (leave regions empty), or take away whole accounts: each set of regions is a statement of its own.",
      context: {
        limit: policyLimit,
        characters,
        accounts: accounts.length,
        roles: roles.length,
        workerAccounts: workers.length,
        foreignCharacters: JSON.stringify(foreign).length,
      },
    },
  );
}
