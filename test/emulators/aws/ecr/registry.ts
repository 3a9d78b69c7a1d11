import type { Call } from "../call.ts";
import type { Input } from "../wire/input.ts";
import { authorizeRegistry, registryOf } from "./authorize.ts";
import type { ReplicationRule } from "./state.ts";

const REGION = /^[a-z]{2}(?:-[a-z]+)+-\d$/;

export async function describeRegistry(call: Call): Promise<object> {
  await authorizeRegistry(call);
  const { account, rules } = registryOf(call);
  return { registryId: account, replicationConfiguration: { rules: rules.map(shown) } };
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
  if (rules.length > 10) throw against(call, "Member must have length less than or equal to 10");
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
  return { replicationConfiguration: { rules } };
}

function readRule(call: Call, rule: Input): ReplicationRule {
  const destinations = rule.records("destinations").map((destination) => {
    const [region, registryId] = [destination.text("region"), destination.text("registryId")];
    if (!REGION.test(region)) throw against(call, `Invalid replication destination region '${region}'`);
    if (!/^\d{12}$/.test(registryId)) throw against(call, `Invalid replication destination registry '${registryId}'`);
    if (region === call.region && registryId === call.account) {
      throw against(call, "Replication destination cannot be the same as the source registry");
    }
    return { region, registryId };
  });
  const repositoryFilters = rule.records("repositoryFilters").map((entry) => {
    const [filter, filterType] = [entry.text("filter"), entry.text("filterType")];
    if (filterType !== "PREFIX_MATCH") throw against(call, "Member must satisfy enum value set: [PREFIX_MATCH]");
    if (filter.length < 2 || filter.length > 256 || !/^[a-z0-9](?:[._\-/a-z0-9]*[a-z0-9])?[._\-/]*$/.test(filter)) {
      throw against(call, "Invalid repository filter");
    }
    return { filter, filterType };
  });
  if (destinations.length === 0 && rule.list("destinations").length === 0)
    throw against(call, "A rule needs a destination");
  if (repositoryFilters.length > 100) throw against(call, "Member must have length less than or equal to 100");
  return { destinations, repositoryFilters };
}

function against(call: Call, constraint: string) {
  return call.error(
    "InvalidParameterException",
    `Invalid parameter at 'replicationConfiguration' failed to satisfy constraint: '${constraint}'`,
  );
}
