import { deletedEmailOf, emailOfMember } from "../grants.ts";
import { type Binding, type IamPolicy, policyVersion } from "./document.ts";

/** A service account that holds a role, unconditionally. */
export interface Holder {
  readonly email: string;
  readonly role: string;
}

/**
 * The policy in which each of these accounts holds its role. What IAM made of an earlier account with the same address is
 * taken out of the role; whatever else the policy holds stays as it is, in its order.
 *
 * @param exactly takes these accounts, and what is left of deleted ones, out of every other binding too
 * @returns the very policy that was given, where there is nothing to do
 */
export function withHolders(policy: IamPolicy, holders: readonly Holder[], exactly: boolean): IamPolicy {
  const bindings = policy.bindings ?? [];
  const cleaned = bindings.flatMap((binding) => {
    const members = binding.members?.filter((member) => belongs(member, binding, holders, exactly)) ?? [];
    if (members.length === (binding.members?.length ?? 0)) return [binding];
    return members.length > 0 ? [{ ...binding, members }] : [];
  });
  const changed = holders.reduce(withHolder, cleaned);
  const same = changed.length === bindings.length && changed.every((binding, index) => binding === bindings[index]);
  return same ? policy : { ...policy, version: policyVersion, bindings: changed };
}

/** Whether the account holds the role. */
export function holds({ bindings }: IamPolicy, { email, role }: Holder): boolean {
  const members = (bindings ?? [])
    .filter((binding) => isFor(binding, role))
    .flatMap((binding) => binding.members ?? []);
  return members.some((member) => emailOfMember(member) === email);
}

/** The other roles of an account, with and without conditions. */
export function otherRoles({ bindings }: IamPolicy, { email, role }: Holder): string[] {
  const others = (bindings ?? []).filter((binding) => !isFor(binding, role));
  const held = others.filter(({ members }) => members?.some((member) => emailOfMember(member) === email));
  return [...new Set(held.map((binding) => binding.role ?? ""))].sort();
}

function belongs(member: string, binding: Binding, holders: readonly Holder[], exactly: boolean): boolean {
  const live = emailOfMember(member);
  const email = live ?? deletedEmailOf(member);
  const holder = holders.find((each) => each.email === email);
  if (holder === undefined) return true;
  const isItsRole = isFor(binding, holder.role);
  return live === undefined ? !exactly && !isItsRole : !exactly || isItsRole;
}

function withHolder(bindings: readonly Binding[], holder: Holder): Binding[] {
  if (holds({ bindings }, holder)) return [...bindings];
  const member = `serviceAccount:${holder.email}`;
  const place = bindings.findIndex((binding) => isFor(binding, holder.role));
  if (place < 0) return [...bindings, { role: holder.role, members: [member] }];
  return bindings.map((binding, index) =>
    index === place ? { ...binding, members: [...(binding.members ?? []), member] } : binding,
  );
}

/** The binding of a role that holds always. */
function isFor({ role, condition }: Binding, wanted: string): boolean {
  return role === wanted && (condition === undefined || condition === null);
}
