import { DeleteRepositoryCommand } from "@aws-sdk/client-ecr";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError, invalidInput } from "../../../core/errors.ts";
import type { RoutableName } from "../../../core/names.ts";
import { isServiceError, translateAwsError } from "../errors.ts";
import { planToDelete } from "../grants/changes.ts";
import { noGrants } from "../grants/grant.ts";
import type { Held } from "../lease/lease.ts";
import { type EcrContext, inEveryRegion, type PolicyLeases, refuseFailures, requestName } from "./context.ts";
import { regionsOf } from "./regions.ts";

const deleteTimeoutMs = 10_000;

/**
 * Deletes the repository with all its images: at home first, so that nothing new is replicated, then every replica, even
 * when home was gone before. Idempotent.
 *
 * @throws INVALID_INPUT for the registry's own repository, which holds the deployment images
 */
export async function deleteRepository(
  context: EcrContext,
  leases: PolicyLeases,
  name: RoutableName,
  call: Call,
): Promise<void> {
  if (name === context.binding.repositoryPrefix) {
    throw invalidInput(
      `"${name}" is the registry's own repository; it is not deleted by itself.`,
      "repoId",
      "deprovisionRegistry removes it with the registry.",
    );
  }
  await leases.deletions.edit(leases.key(name), planToDelete, call, async (held) => {
    const { region: home } = context.place;
    const { here, leaving } = await regionsOf(context, leases, call);
    await deleteIn(home, context, { name, images: true }, held);
    const replicas = [...here, ...leaving].map((region) => ({ region }));
    const outcomes = await inEveryRegion(replicas, ({ region }) =>
      deleteIn(region, context, { name, images: true }, held),
    );
    refuseFailures([{ region: home }, ...outcomes], "The repository is deleted");
    return { grants: noGrants, deleted: true, result: undefined };
  });
}

export interface Removal {
  readonly name: string;
  /** Regions that may hold replicas. */
  readonly replicas: readonly string[];
  /** Whether home may hold images; its replicas may always. */
  readonly images: boolean;
}

/**
 * Deletes a repository of a registry that is deprovisioned, under its lease, so that no edit brings its grants back. The
 * replicas go first: home is what a repeated call finds them by. Nothing new is replicated, since the rule is gone before.
 *
 * @throws RESOURCE_CONFLICT where it holds images and may not
 */
export async function deleteWithReplicas(
  context: EcrContext,
  { deletions, key }: PolicyLeases,
  { name, replicas, images }: Removal,
  call: Call,
): Promise<void> {
  await deletions.edit(key(name as RoutableName), planToDelete, call, async (held) => {
    for (const region of replicas) await deleteIn(region, context, { name, images: true }, held);
    await deleteIn(context.place.region, context, { name, images }, held);
    return { grants: noGrants, deleted: true, result: undefined };
  });
}

/** Deletes in one region; does nothing where there is none. */
async function deleteIn(
  region: string,
  { clients, place }: EcrContext,
  { name, images }: Pick<Removal, "name" | "images">,
  held: Held,
): Promise<void> {
  const what = requestName(place, "DeleteRepository", region);
  const command = new DeleteRepositoryCommand({ repositoryName: name, force: images });
  await held.write(what, deleteTimeoutMs, async (abortSignal) => {
    try {
      await clients.ecr(region).send(command, { abortSignal });
    } catch (error) {
      if (isServiceError(error, "RepositoryNotFoundException")) return;
      if (isServiceError(error, "RepositoryNotEmptyException")) throw pushedMeanwhile(name, error);
      throw translateAwsError(error, what, `ecr:DeleteRepository on the repository, in ${region}`);
    }
  });
}

function pushedMeanwhile(name: string, cause: unknown): ArtifactRegistryError {
  return new ArtifactRegistryError("RESOURCE_CONFLICT", `An image was pushed to "${name}" meanwhile.`, {
    hint: "Delete it, or pass deleteRepositories: true.",
    cause,
  });
}
