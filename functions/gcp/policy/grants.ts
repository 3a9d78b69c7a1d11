import { deletedEmailOf, emailOf, type GrantSet, grantOfMember, grantSet, grantsOf, memberOf } from "../grants.ts";
import { type Binding, type IamPolicy, policyVersion, readerRole } from "./document.ts";

/**
 * The grants that a policy holds.
 *
 * @param own e-mails of the registry's own accounts: they read too, but nobody granted them that through us
 */
export function readGrants({ bindings }: IamPolicy, own: ReadonlySet<string>): GrantSet {
  return grantSet(
    (bindings ?? [])
      .filter(isGrantBinding)
      .flatMap(({ members }) => members ?? [])
      .flatMap((member) => grantOfMember(member) ?? [])
      .filter((grant) => !own.has(emailOf(grant))),
  );
}

/**
 * The policy with these grants too. Whatever else it holds stays as it is, in its order.
 *
 * @returns the very policy that was given, where there is nothing to add
 */
export function withGrants(policy: IamPolicy, grants: GrantSet, own: ReadonlySet<string>): IamPolicy {
  const held = new Set(grantsOf(readGrants(policy, own)).map(memberOf));
  const added = grantsOf(grants).filter((grant) => !own.has(emailOf(grant)) && !held.has(memberOf(grant)));
  if (added.length === 0) return policy;
  const bindings = policy.bindings ?? [];
  const place = bindings.findIndex(isGrantBinding);
  const canonical = grantsOf(grantSet(added)).map(memberOf);
  const changed: Binding[] =
    place < 0
      ? [...bindings, { role: readerRole, members: canonical }]
      : bindings.map((binding, index) =>
          index === place ? { ...binding, members: [...(binding.members ?? []), ...canonical] } : binding,
        );
  return { ...policy, version: policyVersion, bindings: changed };
}

/**
 * The policy without these grants, nor what IAM made of them when their accounts were deleted.
 *
 * @returns the very policy that was given, where there is nothing to take away
 */
export function withoutGrants(policy: IamPolicy, grants: GrantSet, own: ReadonlySet<string>): IamPolicy {
  const gone = new Set(
    grantsOf(grants)
      .map(emailOf)
      .filter((email) => !own.has(email)),
  );
  const isGone = (member: string) => {
    const grant = grantOfMember(member);
    const email = grant === undefined ? deletedEmailOf(member) : emailOf(grant);
    return email !== undefined && gone.has(email);
  };
  const bindings = policy.bindings ?? [];
  const changed = bindings.flatMap((binding) => {
    if (!isGrantBinding(binding) || !binding.members?.some(isGone)) return [binding];
    const members = binding.members.filter((member) => !isGone(member));
    return members.length > 0 ? [{ ...binding, members }] : [];
  });
  const same = changed.length === bindings.length && changed.every((binding, index) => binding === bindings[index]);
  return same ? policy : { ...policy, version: policyVersion, bindings: changed };
}

/** Whether grants live in this binding: exactly the role, and no condition, not even one that always holds. */
export function isGrantBinding({ role, condition }: Binding): boolean {
  return role === readerRole && (condition === undefined || condition === null);
}
