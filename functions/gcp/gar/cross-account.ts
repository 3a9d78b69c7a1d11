import { invalidInput } from "../../../core/errors.ts";
import type { CrossAccountControl } from "../../../core/registry.ts";
import type { CrossAccountAccess, GcpAccess } from "../../../core/schemas.ts";
import type { GarBinding } from "../binding.ts";
import { grantSet, grantsAddedBy, grantsOf, grantsRemovedBy, isEmpty, toPermissions } from "../grants.ts";
import { withinCapacity } from "../policy/document.ts";
import { readGrants, withGrants, withoutGrants } from "../policy/grants.ts";
import type { GarContext } from "./context.ts";
import { editPolicy, readPolicy } from "./policy.ts";

/** Cross-account access through the IAM policy of the registry's own repository. So every grant is for the whole registry. */
export function createCrossAccount(context: GarContext): CrossAccountControl {
  const own = ownAccounts(context.binding);
  return {
    async add(_name, accesses, call) {
      const grants = grantSet(accesses.flatMap((access) => grantsOf(grantsAddedBy(consumersOnly(access, own)))));
      if (isEmpty(grants)) return;
      const add = withinCapacity((policy) => withGrants(policy, grants, own));
      await editPolicy(context, add, call);
    },

    async remove(_name, access, call) {
      const grants = grantsRemovedBy(consumersOnly(access, own));
      if (isEmpty(grants)) return {};
      await editPolicy(context, (policy) => withoutGrants(policy, grants, own), call);
      return {};
    },

    async get(_name, call) {
      return { ...toPermissions(readGrants(await readPolicy(context, call), own)), scope: "registry" };
    },
  };
}

/** The accounts for which credentials are minted. Provisioning lets them read; no caller grants or revokes that. */
function ownAccounts({ pullServiceAccountEmail: pull, pushServiceAccountEmail: push }: GarBinding): Set<string> {
  return new Set([pull, push].filter((email) => email !== undefined));
}

/** @throws INVALID_INPUT for access to another cloud, or to one of the registry's own accounts */
function consumersOnly(access: CrossAccountAccess, own: ReadonlySet<string>): GcpAccess {
  if (access.type !== "gcp") throw invalidInput('"access.type" must be "gcp" on this registry.', "access.type");
  const index = access.serviceAccountEmails.findIndex((email) => own.has(email));
  if (index < 0) return access;
  throw invalidInput(
    `${access.serviceAccountEmails[index]} is the registry's own account, which can be neither granted nor revoked.`,
    `access.serviceAccountEmails.${index}`,
    "Pass only accounts of consumers.",
  );
}
