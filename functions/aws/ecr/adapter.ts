import type { Call } from "../../../core/call.ts";
import { type NameSpace, resolveRepositoryId, routeLogicalName } from "../../../core/names.ts";
import { once } from "../../../core/once.ts";
import type { OpenContext } from "../../../core/platform.ts";
import type { ArtifactRegistry } from "../../../core/registry.ts";
import type { Capabilities } from "../../../core/registry-schemas.ts";
import type { EcrBinding } from "../binding.ts";
import { accountOf, ecrForms, ecrGrammar, hasForm, registryHost } from "../names.ts";
import { type Place, readPlace } from "../place.ts";
import { endedByRole, sessionLifetimes } from "../session.ts";
import { createSignedRequests } from "../signed.ts";
import type { MintingContext } from "./context.ts";
import { generateCredentials } from "./credentials.ts";
import type { EcrManagement } from "./management.ts";

/** A registry on Amazon ECR, and what events do for it. */
export type EcrRegistry = ArtifactRegistry & Pick<EcrManagement, "replicated">;

export function createEcrRegistry({ binding, derived, others, env }: OpenContext<EcrBinding>): EcrRegistry {
  const place = readPlace(env);
  const { repositoryPrefix: prefix, replicationRegions = [] } = binding;
  const bound: MintingContext = {
    binding,
    place,
    requests: createSignedRequests(place.region, env),
    replicaRegions: [...new Set(replicationRegions)].filter((region) => region !== place.region),
  };
  const resolveId = (repoId: string) => resolveRepositoryId(repoId, space);
  // A credential needs neither the SDK nor what edits grants.
  const manage = once(async () => (await import("./management.ts")).createManagement(bound, derived, env, resolveId));
  const contextFor = async (call: Call): Promise<MintingContext> =>
    derived ? (await manage()).contextFor(call) : bound;
  const names: NameSpace = { prefix, separator: "-", grammar: ecrGrammar, others };
  const roleArn = binding.pullRoleArn ?? binding.pushRoleArn;
  const spaceIn = (account: string, { replicaRegions }: MintingContext): NameSpace => {
    return { ...names, ...ecrForms(place, { account, regions: [place.region, ...replicaRegions] }) };
  };
  // Without a bound role only AWS tells the account, so an image's URI and an ARN are read once it was asked.
  let account = roleArn === undefined ? undefined : accountOf(roleArn);
  let space = account === undefined ? names : spaceIn(account, bound);
  const learnAccount = async (call: Call): Promise<string> => {
    if (account !== undefined) return account;
    const { pullRoleArn } = (await contextFor(call)).binding;
    account = pullRoleArn ? accountOf(pullRoleArn) : await (await manage()).account(call);
    return account;
  };
  return {
    service: "ecr",
    capabilities: capabilitiesOf(place),
    upstreamRepositoryPrefix: prefix,
    routeName: (logical) => routeLogicalName(logical, space),
    // A binding with a role tells everything.
    ...(roleArn === undefined && {
      async learnForms(ids: readonly string[], call: Call) {
        if (ids.some(hasForm)) space = spaceIn(await learnAccount(call), await contextFor(call));
      },
    }),
    resolveId,
    registryEndpoint: async (call) => `https://${registryHost(place, await learnAccount(call), place.region)}`,

    mintsByRegion: true,
    generateCredentials: async (request, call) => generateCredentials(await contextFor(call), request, call),

    createRepository: async (name, call) => (await manage()).createRepository(name, call),
    getRepository: async (name, call) => (await manage()).getRepository(name, call),
    deleteRepository: async (name, call) => (await manage()).deleteRepository(name, call),
    listRepositories: async (page, call) => (await manage()).listRepositories(page, call),
    listImages: async (name, page, call) => (await manage()).listImages(name, page, call),
    deleteImage: async (name, reference, call) => (await manage()).deleteImage(name, reference, call),
    crossAccount: {
      add: async (name, accesses, call) => (await manage()).crossAccount.add(name, accesses, call),
      remove: async (name, access, call) => (await manage()).crossAccount.remove(name, access, call),
      get: async (name, call) => (await manage()).crossAccount.get(name, call),
      listOf: async (consumer, page, call) => (await manage()).crossAccount.listOf(consumer, page, call),
      removeAll: async (consumer, page, call) => (await manage()).crossAccount.removeAll(consumer, page, call),
    },
    provisioning: {
      provision: async (options, call) => (await manage()).provisioning.provision(options, call),
      backfill: async (call) => (await manage()).provisioning.backfill(call),
      deprovision: async (options, call) => (await manage()).provisioning.deprovision(options, call),
    },
    health: async (call) => (await manage()).health(call),
    replicated: async (name, region, call) => (await manage()).replicated(name, region, call),
  };
}

function capabilitiesOf(place: Place): Capabilities {
  return {
    credentials: { authMethod: "basic", scope: "repository", ttlSeconds: sessionLifetimes(place) },
    tellsAbsence: true,
    crossAccountAccess: "aws",
    crossAccountScope: "repository",
    unsupported: { revokeCredentials: endedByRole },
  };
}
