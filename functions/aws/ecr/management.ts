import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { checkHealth, healthOf, missingFields } from "../../../core/health.ts";
import { isOwnName, type RoutableName } from "../../../core/names.ts";
import type { Environment } from "../../../core/platform.ts";
import type { ArtifactRegistry, CrossAccountControl, Provisioning } from "../../../core/registry.ts";
import type { Health } from "../../../core/schemas.ts";
import type { EcrBinding } from "../binding.ts";
import { openTable } from "../lease/dynamo.ts";
import { createProcessLease, leaseWithoutTable } from "../lease/process.ts";
import { createProcessRecord, createRegistryRecords } from "../lease/registry.ts";
import { createLeaseTable } from "../lease/table.ts";
import { askIdentity, createClients } from "../sdk.ts";
import { copyGrants, createCrossAccount, unlessRevoked } from "./access.ts";
import { createConsumers } from "./consumers.ts";
import type { ContextFor, EcrContext, MintingContext, PolicyLeases } from "./context.ts";
import { deleteRepository } from "./deletion.ts";
import { deleteImage, type IsOurs, listImages, listRepositories } from "./listing.ts";
import { probeName } from "./refused.ts";
import { createRepository, describeRepository, getRepository } from "./repositories.ts";

/** Milliseconds of a lease: more than an operation may take, so that no edit outlives its own. */
const leaseMs = 60_000;

type Managed =
  | "createRepository"
  | "getRepository"
  | "deleteRepository"
  | "listRepositories"
  | "listImages"
  | "deleteImage"
  | "crossAccount"
  | "provisioning"
  | "health";

/** What is done with a registry apart from minting. It goes over the SDK, without which a credential is made sooner. */
export interface EcrManagement extends Required<Pick<ArtifactRegistry, Managed>> {
  readonly crossAccount: Required<CrossAccountControl>;
  readonly provisioning: Required<Provisioning>;
  readonly contextFor: ContextFor;
  /** Gives a replica that has come into being the grants of home. */
  replicated(name: RoutableName, region: string, call: Call): Promise<void>;
  /** The account, as AWS tells it. */
  account(call: Call): Promise<string>;
}

/**
 * @param derived whether the rest of the binding must be asked of AWS
 * @param resolveId the registry's own, which refuses the names of others
 */
export function createManagement(
  minting: MintingContext,
  derived: boolean,
  env: Environment,
  resolveId: ArtifactRegistry["resolveId"],
): EcrManagement {
  const { binding, place } = minting;
  const bound: EcrContext = { ...minting, clients: createClients(place) };
  const contextFor: ContextFor = derived ? completing(bound) : async () => bound;
  const leases = leasesOf(binding, place.region, env);
  const isOurs: IsOurs = (name): name is RoutableName =>
    name !== probeName(binding.repositoryPrefix) && isOwnName(name, resolveId);
  // Loaded when the registry itself is made or looked at: nothing else needs IAM's client.
  const provisioning = async () =>
    (await import("../provisioning/provisioning.ts")).createAwsProvisioning({ context: bound, leases, env, derived });
  return {
    contextFor,
    account: async (call) => (await askIdentity((await contextFor(call)).clients, call)).account,
    async createRepository(name, call) {
      const context = await contextFor(call);
      const create = () => createRepository(context, leases, name, call);
      return call.asOf && binding.leaseTable !== undefined
        ? unlessRevoked(context, leases, name, call, create)
        : create();
    },
    getRepository: async (name, call) => getRepository(await contextFor(call), name, call),
    deleteRepository: async (name, call) => deleteRepository(await contextFor(call), leases, name, call),
    listRepositories: async (page, call) => listRepositories(await contextFor(call), isOurs, page, call),
    listImages: async (name, page, call) => listImages(await contextFor(call), name, page, call),
    deleteImage: async (name, reference, call) => deleteImage(await contextFor(call), leases, name, reference, call),
    crossAccount: { ...createCrossAccount(contextFor, leases), ...createConsumers(contextFor, leases, isOurs) },
    provisioning: {
      provision: async (options, call) => (await provisioning()).provision(options, call),
      backfill: async (call) => (await provisioning()).backfill(call),
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
