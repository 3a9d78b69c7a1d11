import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { checkHealth, healthOf, missingFields } from "../../../core/health.ts";
import { type NameSpace, type RoutableName, resolveRepositoryId, routeLogicalName } from "../../../core/names.ts";
import type { Environment, OpenContext } from "../../../core/platform.ts";
import type { ArtifactRegistry } from "../../../core/registry.ts";
import type { Capabilities } from "../../../core/registry-schemas.ts";
import type { Health } from "../../../core/schemas.ts";
import type { EcrBinding } from "../binding.ts";
import { openTable } from "../lease/dynamo.ts";
import { createProcessLease, leaseWithoutTable } from "../lease/process.ts";
import { createProcessRecord, createRegistryRecords } from "../lease/registry.ts";
import { createLeaseTable } from "../lease/table.ts";
import { ecrForms, ecrGrammar, hasForm, registryHost } from "../names.ts";
import { type Place, readPlace } from "../place.ts";
import { accountOf, askAccount, createClients } from "../sdk.ts";
import { endedByRole, sessionLifetimes } from "../session.ts";
import { copyGrants, createCrossAccount, unlessRevoked } from "./access.ts";
import type { ContextFor, EcrContext, PolicyLeases } from "./context.ts";
import { generateCredentials } from "./credentials.ts";
import { deleteRepository } from "./deletion.ts";
import type { IsOurs } from "./listing.ts";
import { probeName } from "./refused.ts";
import { createRepository, describeRepository, getRepository } from "./repositories.ts";

/** Milliseconds of a lease: more than an operation may take, so that no edit outlives its own. */
const leaseMs = 60_000;

/** A registry on Amazon ECR, and what events do for it. */
export interface EcrRegistry extends ArtifactRegistry {
  /** Gives a replica that has come into being the grants of home. */
  replicated(name: RoutableName, region: string, call: Call): Promise<void>;
}

export function createEcrRegistry({ binding, derived, others, env }: OpenContext<EcrBinding>): EcrRegistry {
  const place = readPlace(env);
  const { repositoryPrefix: prefix, replicationRegions = [] } = binding;
  const bound: EcrContext = {
    binding,
    place,
    clients: createClients(place),
    replicaRegions: [...new Set(replicationRegions)].filter((region) => region !== place.region),
  };
  const contextFor: ContextFor = derived ? completing(bound) : async () => bound;
  const names: NameSpace = { prefix, separator: "-", grammar: ecrGrammar, others };
  const roleArn = binding.pullRoleArn ?? binding.pushRoleArn;
  const spaceIn = (account: string, { replicaRegions }: EcrContext): NameSpace => {
    return { ...names, ...ecrForms(place, { account, regions: [place.region, ...replicaRegions] }) };
  };
  // Without a bound role only AWS tells the account, so an image's URI and an ARN are read once it was asked.
  let account = roleArn === undefined ? undefined : accountOf(roleArn);
  let space = account === undefined ? names : spaceIn(account, bound);
  const learnAccount = async (call: Call): Promise<string> => {
    if (account !== undefined) return account;
    const { clients, binding: complete } = await contextFor(call);
    account = complete.pullRoleArn ? accountOf(complete.pullRoleArn) : await askAccount(clients, call);
    return account;
  };
  const leases = leasesOf(binding, place.region, env);
  const resolveId = (repoId: string) => resolveRepositoryId(repoId, space);
  const isOurs: IsOurs = (name): name is RoutableName => {
    if (name === probeName(prefix)) return false;
    try {
      return resolveId(name) === name;
    } catch {
      // Others' names are refused.
      return false;
    }
  };
  // What a credential request does not need is loaded when it is needed.
  const listing = () => import("./listing.ts");
  const consumers = async () => (await import("./consumers.ts")).createConsumers(contextFor, leases, isOurs);
  // Loaded when the registry itself is made or looked at: IAM's client is no part of a credential request.
  const provisioning = async () =>
    (await import("../provisioning/provisioning.ts")).createAwsProvisioning({ context: bound, leases, env, derived });

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

    async createRepository(name, call) {
      const context = await contextFor(call);
      const create = () => createRepository(context, leases, name, call);
      return call.asOf && binding.leaseTable !== undefined
        ? unlessRevoked(context, leases, name, call, create)
        : create();
    },
    getRepository: async (name, call) => getRepository(await contextFor(call), name, call),
    deleteRepository: async (name, call) => deleteRepository(await contextFor(call), leases, name, call),
    listRepositories: async (page, call) =>
      (await listing()).listRepositories(await contextFor(call), isOurs, page, call),
    listImages: async (name, page, call) => (await listing()).listImages(await contextFor(call), name, page, call),
    deleteImage: async (name, reference, call) =>
      (await listing()).deleteImage(await contextFor(call), leases, name, reference, call),
    mintsByRegion: true,
    generateCredentials: async (request, call) => generateCredentials(await contextFor(call), request, call),
    crossAccount: {
      ...createCrossAccount(contextFor, leases),
      listOf: async (consumer, page, call) => (await consumers()).listOf(consumer, page, call),
      removeAll: async (consumer, page, call) => (await consumers()).removeAll(consumer, page, call),
    },
    provisioning: {
      provision: async (options, call) => (await provisioning()).provision(options, call),
      deprovision: async (options, call) => (await provisioning()).deprovision(options, call),
    },
    async health(call) {
      // Only this door's role may look at IAM.
      const findings = env.ALIEN_DOOR === "provision" ? await (await provisioning()).drift(call) : [];
      return findings.length > 0 ? healthOf(findings) : ecrHealth(await contextFor(call), leases, call);
    },
    async replicated(name, region, call) {
      const context = await contextFor(call);
      // A region that was never the registry's needs nothing.
      const isKnown = async () => Object.hasOwn((await leases.registry.read(call)).regions, region);
      if (!context.replicaRegions.includes(region) && !(await isKnown())) return;
      // Nor does what is left of a repository that is gone.
      await copyGrants(context, leases, name, region, call).catch((error: unknown) => {
        if (!(error instanceof ArtifactRegistryError && error.code === "RESOURCE_NOT_FOUND")) throw error;
      });
    },
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

/** Milliseconds for which we believe that a registry is ours. */
const believedMs = 60_000;

/**
 * Completes a derived binding at the first call that needs it. While the registry is not there, every call asks. Which regions
 * it has at this moment is in the registry's record; where there is none, edits ask the tags anew.
 */
function completing(bound: EcrContext): ContextFor {
  let known: { readonly context: EcrContext; readonly at: number } | undefined;
  const latest: ContextFor = async (call) => {
    const { completeDerived } = await import("../provisioning/own-repository.ts");
    known = undefined;
    const context = { ...(await completeDerived(bound, call)), latest };
    known = { context, at: call.now().getTime() };
    return context;
  };
  return async (call) => (known && call.now().getTime() - known.at <= believedMs ? known.context : latest(call));
}

function leasesOf(
  { leaseTable: tableName, repositoryPrefix }: EcrBinding,
  region: string,
  env: Environment,
): PolicyLeases {
  const key = (name: string) => `${region}/${name}`;
  if (tableName !== undefined) {
    const table = openTable({ tableName });
    const lease = createLeaseTable({ tableName, table, leaseMs });
    // No repository can have this key, because no repository's name has a colon.
    const registry = createRegistryRecords(table, key(`${repositoryPrefix}:registry`));
    return { edits: lease, deletions: lease, registry, key };
  }
  const lease = createProcessLease();
  return { edits: leaseWithoutTable(lease, env), deletions: lease, registry: createProcessRecord(), key };
}

/** Whether the registry answers, its binding is complete, and AWS takes everybody into its policies. */
async function ecrHealth(context: EcrContext, { registry }: PolicyLeases, call: Call): Promise<Health> {
  const { binding } = context;
  const { repositoryPrefix: prefix } = binding;
  const hint = "Run provisionRegistry and bind what it answers: without the role no credentials are minted.";
  const missing = missingFields(binding, ["pullRoleArn", "pushRoleArn"], hint);
  return checkHealth(missing, "degraded", async () => {
    const [own, { refused }] = await Promise.all([describeRepository(context, prefix, call), registry.read(call)]);
    if (own === undefined) {
      return [{ message: `The repository "${prefix}" does not exist.`, hint: "Run provisionRegistry." }];
    }
    return refused.map(({ principal, region }) => ({
      message: `AWS refused ${principal} in ${region}: policies there are without it.`,
      hint: "Its account was closed or has not enabled that region, or the role is gone. Remove its access, or add it again when AWS takes it.",
    }));
  });
}
