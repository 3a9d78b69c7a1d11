import { type NameSpace, resolveRepositoryId, routeLogicalName } from "../../../core/names.ts";
import type { Environment, OpenContext } from "../../../core/platform.ts";
import type { ArtifactRegistry } from "../../../core/registry.ts";
import type { EcrBinding } from "../binding.ts";
import { createClients } from "../clients.ts";
import { createLeaseTable, createProcessLease, leaseWithoutTable } from "../lease/index.ts";
import { ecrGrammar } from "../names.ts";
import { accountOf, readPlace } from "../place.ts";
import { ecrCapabilities } from "./capabilities.ts";
import type { EcrContext } from "./context.ts";
import { generateCredentials } from "./credentials.ts";
import { createCrossAccount } from "./cross-account.ts";
import { deleteRepository } from "./deletion.ts";
import { copyGrants, type PolicyLeases, unlessRevoked } from "./edit.ts";
import { ecrHealth } from "./health.ts";
import { registryHost } from "./host.ts";
import { createRepository, getRepository } from "./repositories.ts";

/** Milliseconds of a lease: more than an operation may take, so that no edit outlives its own. */
const leaseMs = 60_000;

/** A registry on Amazon ECR, and what events do for it. */
export interface EcrRegistry extends ArtifactRegistry {
  /** Gives a replica that has come into being the grants of home. */
  replicated(...args: Parameters<ReplicaCopy>): ReturnType<ReplicaCopy>;
}

type ReplicaCopy = (
  name: Parameters<typeof copyGrants>[2],
  region: string,
  call: Parameters<typeof copyGrants>[4],
) => Promise<void>;

export function createEcrRegistry({ binding, others, env }: OpenContext<EcrBinding>): EcrRegistry {
  const place = readPlace(env);
  const { repositoryPrefix: prefix, replicationRegions = [] } = binding;
  const context: EcrContext = {
    binding,
    place,
    clients: createClients(place),
    replicaRegions: [...new Set(replicationRegions)].filter((region) => region !== place.region),
  };
  const roleArn = binding.pullRoleArn ?? binding.pushRoleArn;
  const host = roleArn === undefined ? undefined : registryHost(place, accountOf(roleArn));
  const space: NameSpace = { prefix, separator: "-", grammar: ecrGrammar, others, ...(host !== undefined && { host }) };
  const leases = leasesOf(binding, place.region, env);

  return {
    service: "ecr",
    capabilities: ecrCapabilities(place),
    upstreamRepositoryPrefix: prefix,
    routeName: (logical) => routeLogicalName(logical, space),
    resolveId: (repoId) => resolveRepositoryId(repoId, space),
    registryEndpoint: async (call) => `https://${host ?? (await askHost(context, call))}`,

    createRepository(name, call) {
      const create = () => createRepository(context, name, call);
      return call.asOf && binding.leaseTable !== undefined
        ? unlessRevoked(context, leases, name, call, create)
        : create();
    },
    getRepository: (name, call) => getRepository(context, name, call),
    deleteRepository: (name, call) => deleteRepository(context, leases, name, call),
    generateCredentials: (name, permissions, ttlSeconds, call) =>
      generateCredentials(context, name, permissions, ttlSeconds, call),
    crossAccount: createCrossAccount(context, leases),
    health: (call) => ecrHealth(context, call),
    replicated: (name, region, call) => copyGrants(context, leases, name, region, call),
  };
}

function leasesOf({ leaseTable: tableName }: EcrBinding, region: string, env: Environment): PolicyLeases {
  const key = (name: string) => `${region}/${name}`;
  if (tableName !== undefined) {
    const lease = createLeaseTable({ tableName, leaseMs });
    return { edits: lease, deletions: lease, key };
  }
  const lease = createProcessLease();
  return { edits: leaseWithoutTable(lease, env), deletions: lease, key };
}

/** Without a bound role the account is not known: it is ours, and STS tells it. */
async function askHost(context: EcrContext, call: Parameters<typeof copyGrants>[4]): Promise<string> {
  const { askAccount } = await import("../account.ts");
  return registryHost(context.place, await askAccount(context.clients, call));
}
