import { ArtifactRegistryError } from "../../../core/errors.ts";

/** Amazon ECR user guide, "Amazon ECR service quotas": rules, and different destinations in all of them. */
const limits = { rules: 10, destinations: 25 } as const;

export interface Destination {
  readonly region: string;
  readonly registryId: string;
}

export interface Rule {
  readonly destinations: readonly Destination[];
  readonly repositoryFilters?: readonly { readonly filter: string; readonly filterType: string }[];
}

/** The regions to which our own rule replicates, in order; empty where there is none. */
export function regionsOfRule(rules: readonly Rule[], prefix: string, account: string): string[] {
  const ours = rules.filter((rule) => isOurs(rule, prefix, account));
  return [...new Set(ours.flatMap((rule) => rule.destinations.map(({ region }) => region)))].sort();
}

/**
 * The rules with our own one for exactly these regions, at the place where it stood. Everybody else's stay as they are, in
 * their order.
 *
 * @param regions without the home region; none removes our rule
 * @throws QUOTA_EXCEEDED beyond what ECR allows
 */
export function mergeRule(rules: readonly Rule[], prefix: string, account: string, regions: readonly string[]): Rule[] {
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

export function sameRules(one: readonly Rule[], other: readonly Rule[]): boolean {
  return JSON.stringify(one.map(canonical)) === JSON.stringify(other.map(canonical));
}

/**
 * Ours is the rule with the registry's prefix as its one filter, that stays in the account: a rule has no name and no
 * tags.
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
