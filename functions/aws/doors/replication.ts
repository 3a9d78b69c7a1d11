import * as v from "valibot";
import type { RegistryDirectory } from "../../../core/bindings.ts";
import { ArtifactRegistryError, toArtifactRegistryError } from "../../../core/errors.ts";
import type { EventContext, EventOutcome } from "../../../core/events.ts";
import { validate } from "../../../core/operation.ts";
import type { ArtifactRegistry } from "../../../core/registry.ts";
import type { EcrRegistry } from "../ecr/adapter.ts";
import type { EventBridgeEvent } from "./event-shapes.ts";
import type { Suite } from "./suite.ts";

/** The detail of `ECR Replication Action` (Amazon ECR user guide, "Sample events"). */
const replicationDetail = v.looseObject({
  result: v.string(),
  "repository-name": v.string(),
  "source-account": v.string(),
  "source-region": v.string(),
});

export function isReplication({ source, "detail-type": type }: EventBridgeEvent): boolean {
  return source === "aws.ecr" && type === "ECR Replication Action";
}

/**
 * Gives a replica that has come into being the grants of home. The event's own region is the replica's. What was not
 * replicated, or is not ours, is done with.
 *
 * @param account the function's own
 * @returns what to do with the event; never throws
 */
export async function handleReplication(
  suite: Suite,
  account: string,
  event: EventBridgeEvent,
  context: EventContext,
): Promise<EventOutcome> {
  try {
    const detail = validate(replicationDetail, event.detail);
    const fromHere = detail["source-account"] === account && detail["source-region"] === suite.region;
    if (detail.result !== "SUCCESS" || !fromHere || event.account !== account) return { outcome: "done" };
    await copyGrants(suite, detail["repository-name"], event.region, context);
    return { outcome: "done" };
  } catch (thrown) {
    const error = toArtifactRegistryError(thrown);
    return { outcome: error.retryable ? "retry" : "dead-letter", error };
  }
}

async function copyGrants(suite: Suite, repository: string, region: string, context: EventContext): Promise<void> {
  const registry = await findRegistry(suite.directory, repository);
  if (registry === undefined) return;
  const answer = await suite.application.upkeep({
    name: "replicateAccess",
    registry,
    repoId: repository,
    ...context,
    async run(adapter, call) {
      if (replicates(adapter)) await adapter.replicated(adapter.resolveId(repository), region, call);
    },
  });
  if (!answer.ok) throw answer.error;
}

/** The registry in whose space the repository lies: of those whose prefix fits, the one with the longest. */
async function findRegistry(directory: RegistryDirectory, repository: string): Promise<string | undefined> {
  let found: { readonly name: string; readonly length: number } | undefined;
  for (const name of directory.names()) {
    const registry = await openIfBound(directory, name);
    if (registry === undefined || !replicates(registry)) continue;
    const prefix = registry.upstreamRepositoryPrefix;
    const inside = repository === prefix || repository.startsWith(`${prefix}-`);
    if (inside && prefix.length > (found?.length ?? -1)) found = { name, length: prefix.length };
  }
  return found?.name;
}

/** A name that a rule holds need not be bound. */
async function openIfBound(directory: RegistryDirectory, name: string): Promise<ArtifactRegistry | undefined> {
  try {
    return await directory.open(name);
  } catch (error) {
    if (error instanceof ArtifactRegistryError && error.code === "BINDING_NOT_CONFIGURED") return undefined;
    throw error;
  }
}

/** ECR Public has no replicas. */
function replicates(registry: ArtifactRegistry): registry is EcrRegistry {
  return "replicated" in registry;
}
