import { ArtifactRegistryError } from "../../../core/errors.ts";
import { type NameSpace, resolveRepositoryId, routeLogicalName } from "../../../core/names.ts";
import type { OpenContext } from "../../../core/platform.ts";
import type { ArtifactRegistry } from "../../../core/registry.ts";
import type { EcrPublicBinding } from "../binding.ts";
import { ecrPublicGrammar } from "../names.ts";
import { type Place, readPlace } from "../place.ts";
import { ecrPublicCapabilities } from "./capabilities.ts";
import { createContext } from "./context.ts";
import { generateCredentials } from "./credentials.ts";
import { ecrPublicHealth } from "./health.ts";
import { createRepository, deleteRepository, getRepository } from "./repositories.ts";

const host = "public.ecr.aws";

/**
 * A registry on Amazon ECR Public. Between the host and a repository's name stands the account's alias, which only AWS
 * knows: images are pushed to the `uri` that `createRepository` and `getRepository` answer.
 *
 * @throws BINDING_CONFIG_INVALID outside the partition `aws`
 */
export function createEcrPublicRegistry({ binding, others, env }: OpenContext<EcrPublicBinding>): ArtifactRegistry {
  const place = readPlace(env);
  refuseOtherPartitions(place);
  const { repositoryPrefix: prefix } = binding;
  const context = createContext(binding, place);
  const space: NameSpace = { prefix, separator: "-", grammar: ecrPublicGrammar, others, host };
  return {
    service: "ecr-public",
    capabilities: ecrPublicCapabilities(place),
    upstreamRepositoryPrefix: prefix,
    routeName: (logical) => routeLogicalName(logical, space),
    resolveId: (repoId) => resolveRepositoryId(repoId, space),
    registryEndpoint: async () => `https://${host}`,
    createRepository: (name, call) => createRepository(context, name, call),
    getRepository: (name, call) => getRepository(context, name, call),
    deleteRepository: (name, call) => deleteRepository(context, name, call),
    generateCredentials: (name, permissions, ttlSeconds, call) =>
      generateCredentials(context, name, permissions, ttlSeconds, call),
    health: (call) => ecrPublicHealth(context, call),
  };
}

function refuseOtherPartitions({ partition, region }: Place): void {
  if (partition === "aws") return;
  throw new ArtifactRegistryError(
    "BINDING_CONFIG_INVALID",
    `Amazon ECR Public is not in the partition ${partition}, where this function runs (${region}).`,
    { hint: "Bind a private registry with the service ecr, or run the function in a region of the partition aws." },
  );
}
