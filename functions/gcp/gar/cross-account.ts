import { invalidInput } from "../../../core/errors.ts";
import type { Consumer, CrossAccountControl } from "../../../core/registry.ts";
import type { CrossAccountAccess, GcpAccess, Unmanaged } from "../../../core/schemas.ts";
import type { GarBinding } from "../binding.ts";
import {
  emailOf,
  type GrantSet,
  grantSet,
  grantsAddedBy,
  grantsOf,
  grantsRemovedBy,
  isEmpty,
  toPermissions,
  worker,
} from "../grants.ts";
import { type IamPolicy, withinCapacity } from "../policy/document.ts";
import { readGrants, withGrants, withoutGrants } from "../policy/grants.ts";
import { stillLetIn, unmanagedIn } from "../policy/unmanaged.ts";
import type { GarContext } from "./context.ts";
import { editPolicy, readPolicy } from "./policy.ts";

/** Cross-account access through the IAM policy of the registry's own repository. So every grant is for the whole registry. */
export function createCrossAccount(context: GarContext): CrossAccountControl {
  const own = ownAccounts(context.binding);
  // A project of a domain, as example.com:project, turns its parts around in addresses.
  const atHome = `@${context.place.project.split(":").reverse().join(".")}.iam.gserviceaccount.com`;
  const isOwn = (email: string) => own.has(email) || email.endsWith(atHome);
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
      let unmanaged: Unmanaged[] = [];
      const remove = (policy: IamPolicy) => {
        unmanaged = stillLetIn(policy, grants, isOwn);
        return withoutGrants(policy, grants, own);
      };
      await editPolicy(context, remove, call);
      return unmanaged.length > 0 ? { unmanaged } : {};
    },

    async listOf(consumer, _page, call) {
      const wanted = new Set(grantsOf(ofConsumer(consumer, own)).map(emailOf));
      const held = grantsOf(readGrants(await readPolicy(context, call), own));
      const { grants } = toPermissions(grantSet(held.filter((grant) => wanted.has(emailOf(grant)))));
      return { items: grants.length > 0 ? [{ repoId: context.names.prefix, grants }] : [] };
    },

    async removeAll(consumer, _page, call) {
      const grants = ofConsumer(consumer, own);
      let [changed, unmanaged]: [boolean, Unmanaged[]] = [false, []];
      const remove = (policy: IamPolicy) => {
        unmanaged = stillLetIn(policy, grants, isOwn);
        const left = withoutGrants(policy, grants, own);
        // It stays true: an edit whose answer was lost finds nothing to do when it reads again.
        changed ||= left !== policy;
        return left;
      };
      await editPolicy(context, remove, call);
      const name = context.names.resolveId(context.names.prefix);
      const told = { name, changed, ...(unmanaged.length > 0 && { unmanaged }) };
      return { items: changed || unmanaged.length > 0 ? [told] : [] };
    },

    async get(_name, call) {
      const policy = await readPolicy(context, call);
      const unmanaged = unmanagedIn(policy, isOwn);
      return {
        ...toPermissions(readGrants(policy, own)),
        scope: "registry",
        ...(unmanaged.length > 0 && { unmanaged }),
      };
    },
  };
}

/** The accounts for which credentials are minted. Provisioning lets them read; no caller grants or revokes that. */
function ownAccounts({ pullServiceAccountEmail: pull, pushServiceAccountEmail: push }: GarBinding): Set<string> {
  return new Set([pull, push].filter((email) => email !== undefined));
}

/**
 * The grants of one consumer. A project's are its worker: whose project another service account is, its address tells only
 * by the project's id.
 *
 * @throws INVALID_INPUT for one of the registry's own accounts
 */
function ofConsumer(consumer: Consumer, own: ReadonlySet<string>): GrantSet {
  if (consumer.type !== "gcp") throw invalidInput("This registry grants access on Google Cloud alone.", "grantee");
  if ("projectNumber" in consumer) return grantSet([worker(consumer.projectNumber)]);
  const { serviceAccountEmail: email } = consumer;
  if (!own.has(email)) return grantsRemovedBy({ ...nobody, serviceAccountEmails: [email] });
  throw invalidInput(`${email} is the registry's own account, which can be neither granted nor revoked.`, "grantee");
}

const nobody: GcpAccess = { type: "gcp", projectNumbers: [], serviceAccountEmails: [], allowedServiceTypes: [] };

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
