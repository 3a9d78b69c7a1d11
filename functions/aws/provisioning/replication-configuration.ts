import { DescribeRegistryCommand, PutReplicationConfigurationCommand } from "@aws-sdk/client-ecr";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { type EcrContext, ecr } from "../ecr/context.ts";
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

/** Puts our rule among the others; does nothing where it stands already. */
export async function putRule(
  context: EcrContext,
  account: string,
  rules: readonly Rule[],
  regions: readonly string[],
  call: Call,
): Promise<void> {
  const merged = mergeRule(rules, context.binding.repositoryPrefix, account, regions);
  if (sameRules(rules, merged)) return;
  const replicationConfiguration = {
    rules: merged.map(({ destinations, repositoryFilters = [] }) => ({
      destinations: [...destinations],
      ...(repositoryFilters.length > 0 && {
        repositoryFilters: repositoryFilters.map(({ filter }) => ({ filter, filterType: "PREFIX_MATCH" as const })),
      }),
    })),
  };
  await ecr(context, call, "PutReplicationConfiguration", (client, options) =>
    client.send(new PutReplicationConfigurationCommand({ replicationConfiguration }), options),
  );
}

function text(value: string | undefined): string {
  if (value !== undefined) return value;
  // Sent back without it, somebody else's rule would not be what it was.
  throw new ArtifactRegistryError("UNEXPECTED_RESPONSE_FORMAT", "ECR's replication configuration cannot be read.");
}
