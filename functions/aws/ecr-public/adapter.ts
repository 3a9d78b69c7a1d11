import { DescribeRegistriesCommand } from "@aws-sdk/client-ecr-public";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError, invalidInput } from "../../../core/errors.ts";
import { checkHealth, missingFields } from "../../../core/health.ts";
import {
  isInAnySpace,
  isOwnName,
  type NameSpace,
  type RoutableName,
  resolveRepositoryId,
  routeLogicalName,
} from "../../../core/names.ts";
import type { OpenContext } from "../../../core/platform.ts";
import type { ArtifactRegistry } from "../../../core/registry.ts";
import type { Capabilities } from "../../../core/registry-schemas.ts";
import type { Health } from "../../../core/schemas.ts";
import type { EcrPublicBinding } from "../binding.ts";
import { accountOf, afterAlias, ecrPublicForms, ecrPublicGrammar, hasForm, type PublicWhereabouts } from "../names.ts";
import { type Place, readPlace } from "../place.ts";
import { endedByRole, sessionLifetimes } from "../session.ts";
import { catalogDrift } from "./catalog.ts";
import { createContext, type EcrPublicContext, ecrPublic } from "./context.ts";
import { generateCredentials } from "./credentials.ts";
import { createRepository, deleteRepository, findRepository, getRepository } from "./repositories.ts";

const host = "public.ecr.aws";

/**
 * A registry on Amazon ECR Public. Between the host and a repository's name stands the account's alias, which only AWS
 * knows. It is a part of the names and of the prefix in answers, which are paths, and not of the names that AWS's own API
 * and access rules have.
 *
 * @throws BINDING_CONFIG_INVALID outside the partition `aws`
 */
export function createEcrPublicRegistry({ binding, others, env }: OpenContext<EcrPublicBinding>): ArtifactRegistry {
  const place = readPlace(env);
  refuseOtherPartitions(place);
  const { repositoryPrefix: prefix } = binding;
  const context = createContext(binding, place);
  const roleArn = binding.pullRoleArn ?? binding.pushRoleArn;
  let known: Partial<PublicWhereabouts> = roleArn === undefined ? {} : { account: accountOf(roleArn) };
  /** Asks once: an account keeps its aliases. */
  const learn = async (call: Call): Promise<PublicWhereabouts> => {
    const { account, aliases } = known;
    const whereabouts = account && aliases ? { account, aliases } : await describeOwn(context, call);
    known = whereabouts;
    return whereabouts;
  };
  const names: NameSpace = { prefix, separator: "-", grammar: ecrPublicGrammar, others };
  /** What stands behind our alias, where that is the name of a repository of this installation. */
  const withoutAlias = (id: string): string => {
    const [alias = "", path = ""] = afterAlias(id) ?? [];
    return known.aliases?.includes(alias) && isInAnySpace(path, names) ? path : id;
  };
  const spaceNow = (): NameSpace => ({ ...names, ...ecrPublicForms(place, known) });
  const resolveId = (repoId: string) => resolveRepositoryId(withoutAlias(repoId), spaceNow());
  const isOurs = (name: string): name is RoutableName => isOwnName(name, resolveId);
  // What a credential request does not need is loaded when it is needed.
  const listing = () => import("./listing.ts");
  return {
    service: "ecr-public",
    capabilities: capabilitiesOf(place),
    upstreamRepositoryPrefix: prefix,
    upstreamPath: async (call) => `${(await learn(call)).aliases[0]}/${prefix}`,
    async learnForms(texts, call) {
      const mayHaveAlias = (text: string) =>
        known.aliases === undefined && isInAnySpace(afterAlias(text)?.[1] ?? "", names);
      const mayHaveAccount = (text: string) => known.account === undefined && hasForm(text);
      if (texts.some((text) => mayHaveAlias(text) || mayHaveAccount(text))) await learn(call);
    },
    routeName(logical) {
      const routed = routeLogicalName(logical, spaceNow());
      const path = withoutAlias(logical);
      if (path === logical) return routed;
      throw invalidInput(
        `The name "${logical}" already means the repository "${path}".`,
        "name",
        "Choose a name that does not begin with the account's alias.",
      );
    },
    resolveId,
    registryEndpoint: async () => `https://${host}`,
    createRepository: (name, call) => createRepository(context, name, call),
    getRepository: (name, call) => getRepository(context, name, call),
    deleteRepository: (name, call) => deleteRepository(context, name, call),
    async listRepositories(page, call) {
      const found = await (await listing()).listRepositories(context, isOurs, page, call);
      // Their names are paths, which are read with the alias.
      if (found.items.length > 0) await learn(call);
      return found;
    },
    listImages: async (name, page, call) => (await listing()).listImages(context, name, page, call),
    deleteImage: async (name, reference, call) => (await listing()).deleteImage(context, name, reference, call),
    generateCredentials: (request, call) => generateCredentials(context, request, call),
    health: (call) => ecrPublicHealth(context, call),
  };
}

/** Asks under which account and aliases the public registry is. */
async function describeOwn(context: EcrPublicContext, call: Call): Promise<PublicWhereabouts> {
  const { registries = [] } = await ecrPublic(context, call, "DescribeRegistries", (client, options) =>
    client.send(new DescribeRegistriesCommand({}), options),
  );
  const [registry] = registries;
  const named = (registry?.aliases ?? []).filter(({ status }) => status === "ACTIVE").flatMap(({ name }) => name ?? []);
  const own = registry?.registryUri?.split("/")[1];
  if (registry?.registryId === undefined || own === undefined || own === "") {
    throw new ArtifactRegistryError("RESOURCE_NOT_FOUND", "The account has no public registry yet.", {
      hint: "createRepository makes it with the first repository.",
    });
  }
  return { account: registry.registryId, aliases: [...new Set([own, ...named])] };
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
      listGranteeAccess: openToAll,
      removeGranteeAccess: openToAll,
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
    return catalogDrift(context, call);
  });
}
