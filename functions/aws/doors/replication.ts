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

/** Whether EventBridge tells that ECR has replicated an image. */
export function isReplication({ source, "detail-type": type }: EventBridgeEvent): boolean {
  return source === "aws.ecr" && type === "ECR Replication Action";
}

/**
 * Gives a new replica the grants of the home region. The event's own region is the replica's. An event whose replication
 * failed, or that concerns a repository that is not ours, needs nothing more.
 *
 * @param account the account of the function
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

/** Finds the registry that the repository belongs to: the one with the longest prefix among those whose prefix fits. */
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

/** Opens a registry. @returns undefined where nothing binds it, which may be so for a name that only a rule holds */
async function openIfBound(directory: RegistryDirectory, name: string): Promise<ArtifactRegistry | undefined> {
  try {
    return await directory.open(name);
  } catch (error) {
    if (error instanceof ArtifactRegistryError && error.code === "BINDING_NOT_CONFIGURED") return undefined;
    throw error;
  }
}

/** Whether the registry can have replicas. One on ECR Public cannot. */
function replicates(registry: ArtifactRegistry): registry is EcrRegistry {
  return "replicated" in registry;
}
