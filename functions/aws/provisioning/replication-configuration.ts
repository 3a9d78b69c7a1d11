import { DescribeRegistryCommand, PutReplicationConfigurationCommand, type ReplicationRule } from "@aws-sdk/client-ecr";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { RoutableName } from "../../../core/names.ts";
import { type EcrContext, ecr, type PolicyLeases } from "../ecr/context.ts";
import { translateAwsError } from "../errors.ts";
import { noGrants } from "../grants/grant.ts";
import { mergeRule, type Rule, sameRules } from "./replication.ts";

/** The rules of the account's registry in the home region. */
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

/** Whether our rule stands there for exactly these regions. @throws QUOTA_EXCEEDED where it would not fit */
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
 * Puts our rule among the others. The configuration is one for the account and has no revision: it is read again, under
 * a lease that all registries of one table share, right before it is overwritten.
 */
export async function putRule(
  context: EcrContext,
  { deletions, key }: PolicyLeases,
  account: string,
  regions: readonly string[],
  call: Call,
): Promise<void> {
  // No repository's name has a colon.
  await deletions.edit(key(":replication" as RoutableName), {}, call, async (held) => {
    const rules = await readRules(context, call);
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
  // Sent back without it, somebody else's rule would not be what it was.
  throw new ArtifactRegistryError("UNEXPECTED_RESPONSE_FORMAT", "ECR's replication configuration cannot be read.");
}
