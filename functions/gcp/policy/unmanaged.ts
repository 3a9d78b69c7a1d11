/** Access that bindings of somebody else's give. No caller granted it, and none can revoke it. */
import type { Unmanaged } from "../../../core/schemas.ts";
import { emailOf, emailOfMember, type GrantSet, grantOfMember, grantsOf } from "../grants.ts";
import { type IamPolicy, isUnconditional, readerRole } from "./document.ts";

/** Roles that are known to let their members pull (Artifact Registry, "Predefined roles"; IAM, "Basic roles"). */
const pullingRoles: ReadonlySet<string> = new Set([
  readerRole,
  "roles/artifactregistry.writer",
  "roles/artifactregistry.repoAdmin",
  "roles/artifactregistry.admin",
  "roles/viewer",
  "roles/editor",
  "roles/owner",
]);

/**
 * The bindings of a policy that let somebody pull beside our grants, by their roles. What a role allows that is not known, as a
 * custom one, cannot be read from the policy: it is listed rather than left out.
 *
 * @param isOwn whether a service account, by its address, is of the registry's own project: those are nobody else
 */
export function unmanagedIn({ bindings }: IamPolicy, isOwn: (email: string) => boolean): Unmanaged[] {
  return (bindings ?? []).flatMap((binding) => {
    const isOurs = isUnconditional(binding, readerRole);
    const principals = (binding.members ?? []).filter((member) => {
      const isNobody = member.startsWith("deleted:") || isOwn(emailOfMember(member) ?? "");
      return !isNobody && !(isOurs && grantOfMember(member));
    });
    if (principals.length === 0) return [];
    const role = binding.role ?? "";
    const conditional = binding.condition !== undefined && binding.condition !== null;
    const unreadable = !pullingRoles.has(role);
    return [{ statement: role, principals, actions: [role], conditional, ...(unreadable && { unreadable }) }];
  });
}

/** Those that still let in one of whom `revoked` names, or who may be: everybody, a group, a domain, a pool of identities. */
export function stillLetIn(policy: IamPolicy, revoked: GrantSet, isOwn: (email: string) => boolean): Unmanaged[] {
  const emails = new Set(grantsOf(revoked).map(emailOf));
  const mayBeOneOfThem = (member: string) => {
    const email = emailOfMember(member);
    return email === undefined ? !member.startsWith("user:") : emails.has(email);
  };
  return unmanagedIn(policy, isOwn).filter(({ principals }) => principals.some(mayBeOneOfThem));
}
