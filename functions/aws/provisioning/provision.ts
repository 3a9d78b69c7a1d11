import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { ProvisionOptions } from "../../../core/registry.ts";
import { type RegistryRecord, regionsIn } from "../lease/registry.ts";
import { askIdentity } from "../sdk.ts";
import {
  createOwnReplicas,
  createOwnRepository,
  findOwnRepository,
  foreignRepository,
  type OwnRepository,
  regionsTagValue,
  rememberRegions,
} from "./own-repository.ts";
import { declareRegions, finishRegions } from "./regions.ts";
import { filtersAround, putRule, readReplication, regionsOfRule, standsFor } from "./replication.ts";
import {
  refuseForeignMatches,
  refuseOtherHome,
  refuseOverlappingRegistries,
  refuseReplicatingRegistries,
  withPrefix,
} from "./repositories.ts";
import { type Drift, ensureRole, examineRole } from "./roles.ts";
import type { Site } from "./site.ts";
import { type Wanted, wantedRoles } from "./wanted-roles.ts";

/** What exists, what must exist, and how the two differ. */
interface Survey {
  readonly account: string;
  readonly own: OwnRepository | undefined;
  readonly record: RegistryRecord;
  /** Regions that may hold replicas. */
  readonly known: readonly string[];
  /** Regions that must hold replicas from now on. */
  readonly wanted: readonly string[];
  /** Whether the replication rule is as it must be. */
  readonly ruleStands: boolean;
  readonly roles: readonly [pull: Wanted, push: Wanted];
  readonly drift: ReadonlyMap<Wanted, readonly Drift[]>;
}

/**
 * Makes what the registry needs, or changes what differs. It is idempotent: if everything is as it must be, it only reads.
 *
 * @returns the binding
 * @throws RESOURCE_CONFLICT for what is not ours, QUOTA_EXCEEDED, BINDING_CONFIG_INVALID. Nothing has been changed then
 */
export async function provision(
  site: Site,
  { replicationRegions }: ProvisionOptions,
  call: Call,
): Promise<Record<string, unknown>> {
  const survey = await look(site, replicationRegions, call);
  await apply(site, survey, call);
  const { leaseTable, repositoryDefaults, repositoryPrefix } = site.context.binding;
  const { wanted, roles } = survey;
  return {
    service: "ecr",
    repositoryPrefix,
    pullRoleArn: roles[0].arn,
    pushRoleArn: roles[1].arn,
    ...(wanted.length > 0 && { replicationRegions: wanted }),
    ...(leaseTable !== undefined && { leaseTable }),
    ...(repositoryDefaults && { repositoryDefaults }),
  };
}

/** Reads everything, and throws if something stands in the way. It writes nothing. */
async function look(site: Site, asked: readonly string[] | undefined, call: Call): Promise<Survey> {
  const { context, leases, env, iam, derived } = site;
  const { binding, place } = context;
  const { repositoryPrefix: prefix } = binding;
  const { account } = await askIdentity(context.clients, call);
  const own = await findOwnRepository(context, call);
  if (own && own.owner !== prefix) throw foreignRepository(prefix, own.replicaOf);

  const configuration = await readReplication(context, call);
  const standing = regionsOfRule(configuration.rules, prefix, account);
  const record = await leases.registry.read(call);
  const has = record.provisioned ? regionsIn(record, "here", "filling") : standing;
  // A derived binding names no regions. That must not take away the regions that the registry has.
  const named = asked ?? binding.replicationRegions ?? (derived ? has : []);
  const wanted = [...new Set(named)].filter((region) => region !== place.region).sort();
  if (!own?.provisioned) refuseForeignRule(standing, wanted);
  const ruleStands = standsFor(context, account, configuration, wanted);

  const all = await withPrefix(context, prefix, place.region, call);
  if (wanted.length > 0) refuseForeignMatches(all, prefix);
  // Once this registry is provisioned, the other one is refused.
  if (!own?.provisioned) {
    await refuseOverlappingRegistries(context, all, call);
    await refuseReplicatingRegistries(context, filtersAround(configuration.rules, prefix), call);
  }
  const had = [...(own?.regions ?? []), ...standing, ...Object.keys(record.regions)];
  for (const region of wanted) if (!had.includes(region)) await refuseOtherHome(context, region, call);

  const roles = wantedRoles({ context, account, env, regions: [place.region, ...wanted] });
  const drift = new Map<Wanted, readonly Drift[]>();
  for (const role of roles) drift.set(role, await examineRole(iam, role, call));
  const known = [...new Set([...had, ...context.replicaRegions])].filter((region) => region !== place.region);
  // Throws before anything is made, and not when the tag is to be written.
  regionsTagValue(place.region, [...new Set([...known, ...wanted])]);
  return { account, own, record, known, wanted, ruleStands, roles, drift };
}

async function apply(site: Site, survey: Survey, call: Call): Promise<void> {
  const { context, leases, iam } = site;
  const { account, record, known, wanted, ruleStands, drift } = survey;
  const own = survey.own ?? (await createOwnRepository(context, call));
  for (const [role, found] of drift) await ensureRole(iam, role, found, call);

  // Written down before the first replica can exist, so that a region is never forgotten while it may hold grants.
  const remembered = await rememberRegions(context, own, [...new Set([...known, ...wanted])], call);
  const declared = await declareRegions(site, wanted, known, call);
  // Before the first image can come, for which ECR would make it with settings of its own.
  await createOwnReplicas(context, wanted, call);
  // If the record had to be changed, somebody else may have changed the rule since we looked.
  if (!ruleStands || declared.version !== record.version) await putRule(context, leases, account, call);
  const { regions } = await finishRegions(site, declared, call);
  await rememberRegions(context, remembered, Object.keys(regions), call);
}

/** Refuses to shorten a rule for our prefix that is older than the registry: it is somebody's. It may only be taken over. */
function refuseForeignRule(standing: readonly string[], wanted: readonly string[]): void {
  const lost = standing.filter((region) => !wanted.includes(region));
  if (lost.length === 0) return;
  throw new ArtifactRegistryError(
    "RESOURCE_CONFLICT",
    `A replication rule for this prefix exists, to ${lost.join(", ")}.`,
    { hint: "Name its regions as replicationRegions to take it over, or remove it. Nothing was changed." },
  );
}
