import type { Call } from "../../../core/call.ts";
import { invalidInput } from "../../../core/errors.ts";
import type { RoutableName } from "../../../core/names.ts";
import type { CrossAccountControl } from "../../../core/registry.ts";
import type { AwsAccess, CrossAccountAccess } from "../../../core/schemas.ts";
import { addAccess } from "../grants/add.ts";
import type { GrantSet } from "../grants/grant.ts";
import { refuseOtherPartitions } from "../grants/partition.ts";
import { toPermissions } from "../grants/permissions.ts";
import { removeAccess } from "../grants/remove.ts";
import { planToAdd, planToRemove } from "../lease/index.ts";
import { readPolicy } from "../policy/read.ts";
import type { ContextFor, EcrContext } from "./context.ts";
import { editGrants, type PolicyLeases } from "./edit.ts";
import { readStoredPolicy } from "./policies.ts";
import { notFound } from "./repositories.ts";

/** Cross-account access by repository policies: grants in, documents out, at home and at every replica. */
export function createCrossAccount(contextFor: ContextFor, leases: PolicyLeases): CrossAccountControl {
  return {
    async add(name, access, call) {
      const aws = awsOnly(access);
      const context = await contextFor(call, "fresh");
      refuseOtherPartitions(aws.roleArns, context.place.partition);
      const change = (before: GrantSet) => addAccess(before, aws);
      await editGrants(context, leases, name, { plan: planToAdd(aws), change, named: namedIn(aws) }, call);
    },

    async remove(name, access, call) {
      const aws = awsOnly(access);
      const context = await contextFor(call, "fresh");
      const change = (before: GrantSet) => removeAccess(before, aws);
      // What is taken away need not exist any more.
      await editGrants(context, leases, name, { plan: planToRemove(aws), change, named: [] }, call);
    },

    async get(name, call) {
      const { grants, unmanaged } = await readGrants(await contextFor(call), name, call);
      return {
        ...toPermissions(grants),
        scope: "repository",
        ...(unmanaged.length > 0 && { unmanaged: [...unmanaged] }),
      };
    },
  };
}

async function readGrants(
  context: EcrContext,
  name: RoutableName,
  call: Call,
): Promise<{ grants: GrantSet; unmanaged: readonly string[] }> {
  const stored = await readStoredPolicy(context, name, context.place.region, call);
  if (stored === "no-repository") throw notFound(context, name);
  return readPolicy(stored.text, context.place);
}

function namedIn({ accountIds, roleArns }: AwsAccess): string[] {
  return [...roleArns, ...accountIds];
}

function awsOnly(access: CrossAccountAccess): AwsAccess {
  if (access.type === "aws") return access;
  throw invalidInput('"access.type" must be "aws" on this registry.', "access.type");
}
