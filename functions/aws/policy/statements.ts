import type { GrantSet } from "../grants/grant.ts";
import { regionSets } from "../grants/region-sets.ts";
import { accountActions, workerActions } from "./actions.ts";
import type { PolicyContext, Statement } from "./document.ts";
import { accountPrincipal } from "./principals.ts";
import { ourSids, sidsBeside } from "./sids.ts";
import { sourceArnCondition } from "./source-arn.ts";

/**
 * Our statements for a set of grants: one for accounts, one for roles, one for Lambda per set of regions.
 *
 * @param foreign the statements beside which ours will stand
 */
export function statementsFor(grants: GrantSet, foreign: readonly Statement[], context: PolicyContext): Statement[] {
  const sid = sidsBeside(foreign);
  const pull = (base: string, principals: readonly string[]): Statement[] =>
    principals.length === 0
      ? []
      : [{ Sid: sid(base), Effect: "Allow", Principal: { AWS: principals }, Action: accountActions }];

  const accounts = grants.accounts.map((accountId) => accountPrincipal(accountId, context));
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
