/** Cross-account grants in the IAM policy of a repository. They are the members of its unconditional reader binding. */
import { deletedEmailOf, emailOf, type GrantSet, grantOfMember, grantSet, grantsOf, memberOf } from "../grants.ts";
import { addMembers, type IamPolicy, membersWith, readerRole, removeMembers, withBindings } from "./document.ts";

/**
 * Reads the grants that a policy holds.
 *
 * @param ownAccounts e-mail addresses of the registry's own accounts. They read as well, but no caller granted that.
 */
export function readGrants(policy: IamPolicy, ownAccounts: ReadonlySet<string>): GrantSet {
  return grantSet(
    membersWith(policy, readerRole)
      .flatMap((member) => grantOfMember(member) ?? [])
      .filter((grant) => !ownAccounts.has(emailOf(grant))),
  );
}

/**
 * The policy with these grants added. Everything else that it holds stays as it is, in its order.
 *
 * @returns the same policy object where there is nothing to add
 */
export function withGrants(policy: IamPolicy, grants: GrantSet, ownAccounts: ReadonlySet<string>): IamPolicy {
  const held = new Set(grantsOf(readGrants(policy, ownAccounts)).map(emailOf));
  const added = grantsOf(grants).filter((grant) => !ownAccounts.has(emailOf(grant)) && !held.has(emailOf(grant)));
  if (added.length === 0) return policy;
  return withBindings(policy, addMembers(policy.bindings ?? [], readerRole, added.map(memberOf)));
}

/**
 * The policy without these grants, and without what IAM made of them if their accounts were deleted. Everything else that
 * it holds stays as it is, in its order.
 *
 * @returns the same policy object where there is nothing to remove
 */
export function withoutGrants(policy: IamPolicy, grants: GrantSet, ownAccounts: ReadonlySet<string>): IamPolicy {
  const revoked = new Set(
    grantsOf(grants)
      .map(emailOf)
      .filter((email) => !ownAccounts.has(email)),
  );
  const isRevoked = (member: string) => {
    const grant = grantOfMember(member);
    const email = grant === undefined ? deletedEmailOf(member) : emailOf(grant);
    return email !== undefined && revoked.has(email);
  };
  return withBindings(policy, removeMembers(policy.bindings ?? [], isRevoked, readerRole));
}
