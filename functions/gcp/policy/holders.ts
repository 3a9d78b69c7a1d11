/** The roles that our own service accounts hold in an IAM policy. */
import { deletedEmailOf, emailOfMember } from "../grants.ts";
import {
  addMembers,
  type Binding,
  type IamPolicy,
  isUnconditional,
  membersWith,
  removeMembers,
  withBindings,
} from "./document.ts";

/** A service account that holds a role without a condition. */
export interface Holder {
  readonly email: string;
  readonly role: string;
}

/**
 * The policy in which each of these accounts holds its role. If an earlier account with the same address was deleted, what
 * IAM made of it is removed from the role. Everything else that the policy holds stays as it is, in its order.
 *
 * @param exactly whether these accounts, and what is left of deleted ones, also lose every other role
 * @returns the same policy object where there is nothing to do
 */
export function withHolders(policy: IamPolicy, holders: readonly Holder[], exactly: boolean): IamPolicy {
  const isRemoved = (member: string, binding: Binding) => {
    const live = emailOfMember(member);
    const email = live ?? deletedEmailOf(member);
    const holder = holders.find((each) => each.email === email);
    if (holder === undefined) return false;
    const isItsRole = isUnconditional(binding, holder.role);
    return live === undefined ? exactly || isItsRole : exactly && !isItsRole;
  };
  const cleaned = removeMembers(policy.bindings ?? [], isRemoved);
  const changed = holders.reduce<readonly Binding[]>(
    (bindings, holder) =>
      holdsRole({ bindings }, holder)
        ? bindings
        : addMembers(bindings, holder.role, [`serviceAccount:${holder.email}`]),
    cleaned,
  );
  return withBindings(policy, changed);
}

/** Whether the account holds the role without a condition. */
export function holdsRole(policy: IamPolicy, { email, role }: Holder): boolean {
  return membersWith(policy, role).some((member) => emailOfMember(member) === email);
}

/** The other roles of the account, sorted, with and without conditions. */
export function otherRoles({ bindings }: IamPolicy, { email, role }: Holder): string[] {
  const others = (bindings ?? []).filter((binding) => !isUnconditional(binding, role));
  const held = others.filter(({ members }) => members?.some((member) => emailOfMember(member) === email));
  return [...new Set(held.map((binding) => binding.role ?? ""))].sort();
}
