import { DescribeRegistryCommand, PutReplicationConfigurationCommand, type ReplicationRule } from "@aws-sdk/client-ecr";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { RoutableName } from "../../../core/names.ts";
import { type EcrContext, ecr, type PolicyLeases } from "../ecr/context.ts";
import { translateAwsError } from "../errors.ts";
import { noGrants } from "../grants/grant.ts";
import { regionsIn } from "../lease/registry.ts";

/** Reads the replication rules of the account in the home region. */
export async function readRules(context: EcrContext, call: Call): Promise<Rule[]> {
  const { replicationConfiguration } = await ecr(context, call, "DescribeRegistry", (client, options) =>
    client.send(new DescribeRegistryCommand({}), options),
  );
  return (replicationConfiguration?.rules ?? []).map(({ destinations = [], repositoryFilters = [] }) => ({
    destinations: destinations.map(({ region, registryId }) => ({
      region: text(region),
      registryId: text(registryId),
    })),
    repositoryFilters: repositoryFilters.map(({ filter, filterType }) => ({
      filter: text(filter),
      filterType: text(filterType),
    })),
  }));
}

/** Whether our rule exists for exactly these regions. @throws QUOTA_EXCEEDED if it does not, and would not fit */
export function standsFor(
  { binding }: EcrContext,
  account: string,
  rules: readonly Rule[],
  regions: readonly string[],
): boolean {
  return sameRules(rules, mergeRule(rules, binding.repositoryPrefix, account, regions));
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
    const [record, rules] = await Promise.all([registry.read(call), readRules(context, call)]);
    const regions = regionsIn(record, "here", "filling");
    if (!standsFor(context, account, rules, regions)) {
      const merged = mergeRule(rules, context.binding.repositoryPrefix, account, regions);
      const command = new PutReplicationConfigurationCommand({
        replicationConfiguration: { rules: merged.map(toSdk) },
      });
      const what = "ECR PutReplicationConfiguration";
      await held.write(what, putTimeoutMs, async (abortSignal) => {
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

function toSdk({ destinations, repositoryFilters = [] }: Rule): ReplicationRule {
  return {
    destinations: [...destinations],
    ...(repositoryFilters.length > 0 && {
      repositoryFilters: repositoryFilters.map(({ filter }) => ({ filter, filterType: "PREFIX_MATCH" as const })),
    }),
  };
}

function text(value: string | undefined): string {
  if (value !== undefined) return value;
  // If we sent the rule back without it, we would change somebody else's rule.
  throw new ArtifactRegistryError("UNEXPECTED_RESPONSE_FORMAT", "ECR's replication configuration cannot be read.");
}

/** How many rules and different destinations a configuration may have (Amazon ECR user guide, "Amazon ECR service quotas"). */
const limits = { rules: 10, destinations: 25 } as const;

interface Destination {
  readonly region: string;
  readonly registryId: string;
}

interface Rule {
  readonly destinations: readonly Destination[];
  readonly repositoryFilters?: readonly { readonly filter: string; readonly filterType: string }[];
}

/** The regions to which our own rule replicates, sorted. The list is empty if there is no such rule. */
export function regionsOfRule(rules: readonly Rule[], prefix: string, account: string): string[] {
  const ours = rules.filter((rule) => isOurs(rule, prefix, account));
  return [...new Set(ours.flatMap((rule) => rule.destinations.map(({ region }) => region)))].sort();
}

/**
 * The rules after our own one was set to exactly these regions. It keeps its place. All other rules stay as they are, in
 * their order.
 *
 * @param regions without the home region. An empty list removes our rule
 * @throws QUOTA_EXCEEDED beyond what ECR allows
 */
function mergeRule(rules: readonly Rule[], prefix: string, account: string, regions: readonly string[]): Rule[] {
  const destinations = [...new Set(regions)].sort().map((region) => ({ region, registryId: account }));
  const ours: Rule[] =
    destinations.length === 0
      ? []
      : [{ destinations, repositoryFilters: [{ filter: prefix, filterType: "PREFIX_MATCH" }] }];
  const at = rules.findIndex((rule) => isOurs(rule, prefix, account));
  const before = rules.slice(0, at < 0 ? rules.length : at);
  const after = at < 0 ? [] : rules.slice(at + 1).filter((rule) => !isOurs(rule, prefix, account));
  const merged = [...before, ...ours, ...after];
  const destinationsOf = ({ destinations: to }: Rule) => to.map(({ region, registryId }) => `${registryId}/${region}`);
  const count = new Set(merged.flatMap(destinationsOf)).size;
  if (merged.length > limits.rules || count > limits.destinations) {
    throw new ArtifactRegistryError("QUOTA_EXCEEDED", "The account's replication configuration has no room for this.", {
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

function sameRules(one: readonly Rule[], other: readonly Rule[]): boolean {
  return JSON.stringify(one.map(canonical)) === JSON.stringify(other.map(canonical));
}

/**
 * Whether a rule is ours. A rule has no name and no tags, so we know ours by its form: it has the registry's prefix as its one
 * filter, and replicates within the account.
 */
function isOurs({ destinations, repositoryFilters = [] }: Rule, prefix: string, account: string): boolean {
  const inside = destinations.every(({ registryId }) => registryId === account);
  return inside && repositoryFilters.length === 1 && repositoryFilters[0]?.filter === prefix;
}

function canonical({ destinations, repositoryFilters = [] }: Rule): unknown {
  return [
    destinations.map(({ region, registryId }) => `${registryId}/${region}`).sort(),
    repositoryFilters.map(({ filter, filterType }) => `${filterType}/${filter}`).sort(),
  ];
}
