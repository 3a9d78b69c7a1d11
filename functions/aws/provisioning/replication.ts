import { DescribeRegistryCommand, PutReplicationConfigurationCommand } from "@aws-sdk/client-ecr";
import * as v from "valibot";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { RoutableName } from "../../../core/names.ts";
import { type EcrContext, ecr, type PolicyLeases } from "../ecr/context.ts";
import { translateAwsError } from "../errors.ts";
import { noGrants } from "../grants/grant.ts";
import { regionsIn } from "../lease/registry.ts";
import { onTheWire } from "../wire.ts";

const destination = v.looseObject({ region: v.string(), registryId: v.string() });
const rule = v.looseObject({
  destinations: v.array(destination),
  repositoryFilters: v.optional(v.array(v.looseObject({ filter: v.string(), filterType: v.string() }))),
});
/** ECR's replication configuration on the wire. Whatever else is in it, in a rule or in a part of one, is kept as it is. */
const configurationSchema = v.looseObject({ rules: v.optional(v.array(rule), []) });

export type Rule = v.InferOutput<typeof rule>;
export type Configuration = v.InferOutput<typeof configurationSchema>;

/** Reads the replication configuration of the account in the home region, with the fields that the SDK does not know. */
export async function readReplication(context: EcrContext, call: Call): Promise<Configuration> {
  const answer = await ecr(context, call, "DescribeRegistry", async (client, options) => {
    const command = new DescribeRegistryCommand({});
    const read = onTheWire(command);
    await client.send(command, options);
    return read();
  });
  const parsed = v.safeParse(v.looseObject({ replicationConfiguration: v.optional(configurationSchema) }), answer);
  if (parsed.success) return parsed.output.replicationConfiguration ?? { rules: [] };
  // If we sent back what we cannot read, we would change somebody else's rule.
  throw new ArtifactRegistryError("UNEXPECTED_RESPONSE_FORMAT", "ECR's replication configuration cannot be read.");
}

/** Whether our rule exists for exactly these regions. @throws QUOTA_EXCEEDED if it does not, and would not fit */
export function standsFor(
  { binding }: EcrContext,
  account: string,
  { rules }: Configuration,
  regions: readonly string[],
): boolean {
  return mergeRule(rules, binding.repositoryPrefix, account, regions) === rules;
}

const putTimeoutMs = 10_000;

/**
 * Puts our rule among the others, to the regions that the registry's record has at this moment. An account has one
 * configuration, and the configuration has no revision. So we read it again right before we overwrite it, under a lease that
 * all registries of one table share.
 */
export async function putRule(
  context: EcrContext,
  { deletions, registry, key }: PolicyLeases,
  account: string,
  call: Call,
): Promise<void> {
  // No repository can have this key, because no repository's name has a colon.
  await deletions.edit(key(":replication" as RoutableName), {}, call, async (held) => {
    const [record, configuration] = await Promise.all([registry.read(call), readReplication(context, call)]);
    const { rules: before } = configuration;
    const rules = mergeRule(before, context.binding.repositoryPrefix, account, regionsIn(record, "here", "filling"));
    if (rules !== before) {
      const what = "ECR PutReplicationConfiguration";
      await held.write(what, putTimeoutMs, async (abortSignal) => {
        const command = new PutReplicationConfigurationCommand({ replicationConfiguration: { rules: [] } });
        onTheWire(command, { replicationConfiguration: { ...configuration, rules } });
        try {
          await context.clients.ecr(context.place.region).send(command, { abortSignal });
        } catch (error) {
          throw translateAwsError(error, what, "ecr:PutReplicationConfiguration on *");
        }
      });
    }
    return { grants: noGrants, result: undefined };
  });
}

/**
 * How many rules and different destinations a configuration may have (botocore 1.44, ReplicationRuleList; Amazon ECR user
 * guide, "Private image replication").
 */
const limits = { rules: 25, destinations: 25 } as const;

/** The filters of others' rules that match every name which begins with the prefix, and are shorter than it: `images` for `images2`. */
export function filtersAround(rules: readonly Rule[], prefix: string): string[] {
  const filters = rules.flatMap(({ repositoryFilters }) => repositoryFilters?.map(({ filter }) => filter) ?? []);
  return [...new Set(filters)].filter((filter) => prefix.startsWith(filter) && filter !== prefix);
}

/** The regions to which our own rule replicates, sorted. The list is empty if there is no such rule. */
export function regionsOfRule(rules: readonly Rule[], prefix: string, account: string): string[] {
  const ours = rules.filter((rule) => isOurs(rule, prefix, account));
  return [...new Set(ours.flatMap((rule) => rule.destinations.map(({ region }) => region)))].sort();
}

/**
 * The rules after our own one was set to exactly these regions. It keeps its place, and every field that is not about regions,
 * such as `deleteReplication`. All other rules stay as they are, in their order.
 *
 * @param regions without the home region. An empty list removes our rule
 * @returns `rules` itself if our rule is as it must be
 * @throws QUOTA_EXCEEDED for what would be more than ECR allows, unless it is no more than there was
 */
export function mergeRule(
  rules: readonly Rule[],
  prefix: string,
  account: string,
  regions: readonly string[],
): readonly Rule[] {
  const ours = rules.filter((rule) => isOurs(rule, prefix, account));
  const wanted = [...new Set(regions)].sort();
  if (ours.length === Math.min(wanted.length, 1) && wanted.join() === regionsOfRule(rules, prefix, account).join()) {
    return rules;
  }
  const [first = { destinations: [], repositoryFilters: [{ filter: prefix, filterType: "PREFIX_MATCH" }] }] = ours;
  const known = new Map(ours.flatMap(({ destinations }) => destinations.map((each) => [each.region, each])));
  const destinations = wanted.map((region) => known.get(region) ?? { region, registryId: account });
  const changed: Rule[] = destinations.length === 0 ? [] : [{ ...first, destinations }];
  const at = rules.findIndex((rule) => ours.includes(rule));
  const before = rules.slice(0, at < 0 ? rules.length : at);
  const after = at < 0 ? [] : rules.slice(at + 1).filter((rule) => !ours.includes(rule));
  const merged = [...before, ...changed, ...after];
  const [had, count] = [countDestinations(rules), countDestinations(merged)];
  if (merged.length > Math.max(limits.rules, rules.length) || count > Math.max(limits.destinations, had)) {
    const size = `${merged.length} rules and ${count} destinations, and AWS takes ${limits.rules} and ${limits.destinations}`;
    throw new ArtifactRegistryError("QUOTA_EXCEEDED", `The account's replication configuration would have ${size}.`, {
      hint: "Drop regions or rules that are not needed. Nothing was changed.",
      context: {
        rules: merged.length,
        ruleLimit: limits.rules,
        destinations: count,
        destinationLimit: limits.destinations,
      },
    });
  }
  return merged;
}

function countDestinations(rules: readonly Rule[]): number {
  return new Set(rules.flatMap(({ destinations: to }) => to.map(({ region, registryId }) => `${registryId}/${region}`)))
    .size;
}

/**
 * Whether a rule is ours. A rule has no name and no tags, so we know ours by its form: it has the registry's prefix as its one
 * filter, and replicates within the account.
 */
function isOurs({ destinations, repositoryFilters }: Rule, prefix: string, account: string): boolean {
  const inside = destinations.every(({ registryId }) => registryId === account);
  return inside && repositoryFilters?.length === 1 && repositoryFilters[0]?.filter === prefix;
}
