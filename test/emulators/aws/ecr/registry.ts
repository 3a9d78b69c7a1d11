import { randomUUID } from "node:crypto";
import type { Call } from "../call.ts";
import type { Input } from "../wire/input.ts";
import { authorizeRegistry, registryOf } from "./authorize.ts";
import { type Backfill, destinationsOf, type ReplicationRule } from "./state.ts";

/** botocore 1.44, RepositoryFilterValue. */
const FILTER = /^(?:[a-z0-9]+(?:[._-][a-z0-9]*)*\/)*[a-z0-9]*(?:[._-][a-z0-9]*)*$/;
const REGION = /^[a-z]{2}(?:-[a-z]+)+-\d$/;

export async function describeRegistry(call: Call): Promise<object> {
  await authorizeRegistry(call);
  const { account, rules, newMembers } = registryOf(call);
  return { registryId: account, replicationConfiguration: { ...newMembers, rules: rules.map(shown) } };
}

/** A rule without filters has none in the answer: an empty list could not be sent back. */
function shown({ repositoryFilters, ...rule }: ReplicationRule): object {
  return repositoryFilters.length === 0 ? rule : { ...rule, repositoryFilters };
}

/** Overwrites the whole configuration of this account in this region; there is no revision to compare. */
export async function putReplicationConfiguration(call: Call): Promise<object> {
  const configuration = call.input.optionalRecord("replicationConfiguration");
  if (configuration === undefined) throw call.input.invalid("replicationConfiguration must not be null");
  const rules = configuration.records("rules").map((rule) => readRule(call, rule));
  // botocore 1.44, ReplicationRuleList.
  if (rules.length > 25) throw against(call, "Member must have length less than or equal to 25");
  const destinations = new Set(
    rules.flatMap((rule) => rule.destinations.map(({ region, registryId }) => `${registryId}/${region}`)),
  );
  if (destinations.size > 25) throw against(call, "at most 25 unique destinations across all rules");
  await authorizeRegistry(call);
  const registry = registryOf(call);
  if (!registry.replicationRole) {
    const { partition } = registry;
    await call.authorize({
      action: "iam:CreateServiceLinkedRole",
      resource: `arn:${partition}:iam::${call.account}:role/aws-service-role/replication.ecr.amazonaws.com/AWSServiceRoleForECRReplication`,
      context: { "iam:AWSServiceName": "replication.ecr.amazonaws.com" },
    });
    registry.replicationRole = true;
  }
  registry.rules = rules;
  registry.newMembers = unknownTo(call, configuration, ["rules"]);
  return { replicationConfiguration: { ...registry.newMembers, rules } };
}

/**
 * Queues all images that the rules replicate to a destination and that are there already (API reference, StartReplicationBackfill).
 * The backfill is in progress until the emulator is told to replicate.
 */
export async function startReplicationBackfill(call: Call): Promise<object> {
  const asked = call.input.optionalRecord("destination");
  if (asked === undefined) throw call.input.invalid("destination must not be null");
  const destination = { region: asked.text("region"), registryId: asked.text("registryId") };
  await authorizeRegistry(call);
  const registry = registryOf(call);
  const isSame = (other: Backfill["destination"]) =>
    other.region === destination.region && other.registryId === destination.registryId;
  if (!registry.rules.some(({ destinations }) => destinations.some(isSame))) {
    throw call.error("ValidationException", "The destination is not in the registry's replication configuration");
  }
  const running = registry.backfills.filter(({ status }) => status === "PREPARING");
  if (running.some((each) => each.destination.region === destination.region)) {
    throw call.error(
      "ReplicationBackfillInProgressException",
      `A replication backfill is already in progress for ${destination.region}`,
    );
  }
  if (running.length >= 10) throw call.error("LimitExceededException", "At most 10 replication backfills at once");
  for (const { name, images } of registry.repositories.values()) {
    if (!destinationsOf(registry, name).some(isSame)) continue;
    for (const { digest, tags } of images.values()) {
      const queued = tags.size === 0 ? [undefined] : [...tags];
      registry.pending.push(...queued.map((tag) => ({ repository: name, digest, tag, destination })));
    }
  }
  const backfill: Backfill = {
    id: randomUUID(),
    destination,
    startedAt: call.world.clock(),
    status: "PREPARING",
  };
  registry.backfills.push(backfill);
  const { id: replicationBackfillId, startedAt, status } = backfill;
  return { replicationBackfillId, registryId: registry.account, destination, status, startedAt };
}

/** What AWS would have to be newer for. Its JSON protocol ignores members that the service does not know. */
function unknownTo(call: Call, { values }: Input, known: readonly string[]): Readonly<Record<string, unknown>> {
  if (!call.world.behaviour.keepsNewMembers) return {};
  return Object.fromEntries(Object.entries(values).filter(([name]) => !known.includes(name)));
}

function readRule(call: Call, rule: Input): ReplicationRule {
  const destinations = rule.records("destinations").map((destination) => {
    const [region, registryId] = [destination.text("region"), destination.text("registryId")];
    if (!REGION.test(region)) throw against(call, `Invalid replication destination region '${region}'`);
    if (!/^\d{12}$/.test(registryId)) throw against(call, `Invalid replication destination registry '${registryId}'`);
    if (region === call.region && registryId === call.account) {
      throw against(call, "Replication destination cannot be the same as the source registry");
    }
    return { ...unknownTo(call, destination, ["region", "registryId"]), region, registryId };
  });
  const repositoryFilters = rule.records("repositoryFilters").map((entry) => {
    const [filter, filterType] = [entry.text("filter"), entry.text("filterType")];
    if (filterType !== "PREFIX_MATCH") throw against(call, "Member must satisfy enum value set: [PREFIX_MATCH]");
    if (filter.length < 2 || filter.length > 256 || !FILTER.test(filter)) {
      throw against(call, "Invalid repository filter");
    }
    return { ...unknownTo(call, entry, ["filter", "filterType"]), filter, filterType };
  });
  if (destinations.length === 0 && rule.list("destinations").length === 0)
    throw against(call, "A rule needs a destination");
  if (repositoryFilters.length > 100) throw against(call, "Member must have length less than or equal to 100");
  const deletes = rule.optionalRecord("deleteReplication");
  if (deletes !== undefined && typeof deletes.values.enabled !== "boolean") {
    throw against(call, "Member 'deleteReplication.enabled' must not be null");
  }
  return {
    ...unknownTo(call, rule, ["destinations", "repositoryFilters", "deleteReplication"]),
    destinations,
    repositoryFilters,
    ...(deletes !== undefined && { deleteReplication: { enabled: deletes.flag("enabled") } }),
  };
}

function against(call: Call, constraint: string) {
  return call.error(
    "InvalidParameterException",
    `Invalid parameter at 'replicationConfiguration' failed to satisfy constraint: '${constraint}'`,
  );
}
