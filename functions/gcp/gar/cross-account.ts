import { invalidInput } from "../../../core/errors.ts";
import type { CrossAccountControl } from "../../../core/registry.ts";
import type { CrossAccountAccess, GcpAccess } from "../../../core/schemas.ts";
import type { GarBinding } from "../binding.ts";
import { revokedBy, spelledOut, toPermissions } from "../grants.ts";
import { refuseOverfull } from "../policy/document.ts";
import { readGrants, withGrants, withoutGrants } from "../policy/grants.ts";
import type { GarContext } from "./context.ts";
import { editPolicy, readPolicy } from "./policy.ts";

/** Cross-account access by the IAM policy of the parent repository, so that a grant is the whole registry's. */
export function createCrossAccount(context: GarContext): CrossAccountControl {
  const own = ownAccounts(context.binding);
  return {
    async add(_name, access, call) {
      const grants = spelledOut(gcpOnly(access, own));
      if (grants.workers.length + grants.serviceAccounts.length === 0) return;
      const change = withCapacity((policy) => withGrants(policy, grants, own));
      await editPolicy(context, change, call);
    },

    async remove(_name, access, call) {
      const grants = revokedBy(gcpOnly(access, own));
      if (grants.workers.length + grants.serviceAccounts.length === 0) return;
      await editPolicy(context, (policy) => withoutGrants(policy, grants, own), call);
    },

    async get(_name, call) {
      return { ...toPermissions(readGrants(await readPolicy(context, call), own)), scope: "registry" };
    },
  };
}

type Change = Parameters<typeof editPolicy>[1];

function withCapacity(change: Change): Change {
  return (policy) => {
    const changed = change(policy);
    if (changed !== policy) refuseOverfull(policy, changed);
    return changed;
  };
}

/** The accounts that credentials are minted for. They read by provisioning, and no caller grants or revokes them. */
function ownAccounts({ pullServiceAccountEmail: pull, pushServiceAccountEmail: push }: GarBinding): Set<string> {
  return new Set([pull, push].filter((email) => email !== undefined));
}

function gcpOnly(access: CrossAccountAccess, own: ReadonlySet<string>): GcpAccess {
  if (access.type !== "gcp") throw invalidInput('"access.type" must be "gcp" on this registry.', "access.type");
  const index = access.serviceAccountEmails.findIndex((email) => own.has(email));
  if (index < 0) return access;
  throw invalidInput(
    `${access.serviceAccountEmails[index]} is the registry's own account; it is neither granted nor revoked.`,
    `access.serviceAccountEmails.${index}`,
    "Pass the accounts of consumers only.",
  );
}
