import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { findOwnRepository } from "../provisioning/own-repository.ts";
import { roleArn, roleName } from "../provisioning/role-names.ts";
import type { EcrContext } from "./context.ts";

/**
 * What a derived binding leaves open, from the registry's own repository: it holds only where that carries our tag.
 *
 * @throws BINDING_NOT_CONFIGURED where the registry was never provisioned, or is somebody else's
 */
export async function completeDerived(context: EcrContext, call: Call): Promise<EcrContext> {
  const { binding, place } = context;
  const { repositoryPrefix: prefix } = binding;
  const own = await findOwnRepository(context, call);
  if (own?.owner !== prefix) {
    throw new ArtifactRegistryError("BINDING_NOT_CONFIGURED", "The registry is not bound, and was not provisioned.", {
      hint: "Run provisionRegistry for it, or set its binding.",
      context: { field: "registry" },
    });
  }
  const arnOf = (kind: "pull" | "push") => roleArn(place.partition, own.account, roleName(prefix, kind));
  return {
    ...context,
    binding: { ...binding, pullRoleArn: arnOf("pull"), pushRoleArn: arnOf("push") },
    replicaRegions: own.regions.filter((region) => region !== place.region),
  };
}
