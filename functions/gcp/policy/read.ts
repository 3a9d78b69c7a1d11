import { type GrantSet, grantSet } from "../grants/grant.ts";
import { emailOf, grantOfMember } from "../grants/members.ts";
import { type IamPolicy, isGrantBinding } from "./document.ts";

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
