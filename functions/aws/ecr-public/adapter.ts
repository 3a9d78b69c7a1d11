import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { checkHealth, missingFields } from "../../../core/health.ts";
import { type NameSpace, resolveRepositoryId, routeLogicalName } from "../../../core/names.ts";
import type { OpenContext } from "../../../core/platform.ts";
import type { ArtifactRegistry } from "../../../core/registry.ts";
import type { Capabilities, Health } from "../../../core/schemas.ts";
import type { EcrPublicBinding } from "../binding.ts";
import { ecrPublicForms, ecrPublicGrammar } from "../names.ts";
import { type Place, readPlace } from "../place.ts";
import { accountOf } from "../sdk.ts";
import { endedByRole, sessionLifetimes } from "../session.ts";
import { createContext, type EcrPublicContext } from "./context.ts";
import { generateCredentials } from "./credentials.ts";
import { createRepository, deleteRepository, findRepository, getRepository } from "./repositories.ts";

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
  const roleArn = binding.pullRoleArn ?? binding.pushRoleArn;
  const forms = roleArn === undefined ? undefined : ecrPublicForms(place, accountOf(roleArn));
  const space: NameSpace = { prefix, separator: "-", grammar: ecrPublicGrammar, others, ...forms };
  return {
    service: "ecr-public",
    capabilities: capabilitiesOf(place),
    upstreamRepositoryPrefix: prefix,
    routeName: (logical) => routeLogicalName(logical, space),
    resolveId: (repoId) => resolveRepositoryId(repoId, space),
    registryEndpoint: async () => `https://${host}`,
    createRepository: (name, call) => createRepository(context, name, call),
    getRepository: (name, call) => getRepository(context, name, call),
    deleteRepository: (name, call) => deleteRepository(context, name, call),
    generateCredentials: (request, call) => generateCredentials(context, request, call),
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

const openToAll = {
  reason: "Anybody may pull from a public repository: there is no access to grant, to revoke or to list.",
  hint: "Keep what only some accounts may pull in a private registry: bind one with the service ecr.",
};

const madeOutside = {
  reason: "The roles of a public registry are not made at run time.",
  hint: "Make them with the module in infra/aws, and bind their ARNs as pullRoleArn and pushRoleArn.",
};

function capabilitiesOf(place: Place): Capabilities {
  return {
    credentials: { authMethod: "basic", scope: "repository", ttlSeconds: sessionLifetimes(place) },
    tellsAbsence: true,
    unsupported: {
      addCrossAccountAccess: openToAll,
      removeCrossAccountAccess: openToAll,
      getCrossAccountAccess: openToAll,
      revokeCredentials: endedByRole,
      provisionRegistry: madeOutside,
      deprovisionRegistry: madeOutside,
    },
  };
}

/** Whether the registry answers and its binding is complete. The bare prefix need not be a repository here. */
async function ecrPublicHealth(context: EcrPublicContext, call: Call): Promise<Health> {
  const { binding } = context;
  const hint = "Make the role with the module in infra/aws, and bind it: without the role no credentials are minted.";
  const missing = missingFields(binding, ["pullRoleArn", "pushRoleArn"], hint);
  return checkHealth(missing, "degraded", async () => {
    await findRepository(context, binding.repositoryPrefix, call);
    return [];
  });
}
