import { account, type Grant, role } from "../grants/grant.ts";
import { isAccountId, isRoleArn } from "../grants/literals.ts";
import type { PolicyContext } from "./document.ts";
import { texts } from "./elements.ts";
import { isUniqueId } from "./unique-ids.ts";

/** AWS stores an account as its root ARN; a bare account id means the same. */
export function accountPrincipal(accountId: string, { partition }: PolicyContext): string {
  return `arn:${partition}:iam::${accountId}:root`;
}

/**
 * Reads the `AWS` principals of a statement as accounts and roles. Unique ids are no grants: nobody is behind them.
 *
 * @returns undefined if any principal is something else (a user, a session, `*`, another partition)
 */
export function principalGrants(value: unknown, context: PolicyContext): Grant[] | undefined {
  const principals = texts(value);
  if (principals === undefined) return undefined;
  const grants: Grant[] = [];
  for (const principal of principals) {
    if (isUniqueId(principal)) continue;
    const accountId = accountIdOf(principal, context);
    if (accountId !== undefined) grants.push(account(accountId));
    else if (isRoleArn(principal, context.partition)) grants.push(role(principal));
    else return undefined;
  }
  return grants;
}

function accountIdOf(principal: string, context: PolicyContext): string | undefined {
  const id = isAccountId(principal) ? principal : (principal.split(":")[4] ?? "");
  return isAccountId(id) && (principal === id || principal === accountPrincipal(id, context)) ? id : undefined;
}
