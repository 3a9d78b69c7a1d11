import { DeleteRepositoryCommand } from "@aws-sdk/client-ecr";
import type { Call } from "../../../core/call.ts";
import { invalidInput } from "../../../core/errors.ts";
import type { RoutableName } from "../../../core/names.ts";
import { isServiceError, translateAwsError } from "../errors.ts";
import { type Held, planToDelete } from "../lease/index.ts";
import type { EcrContext } from "./context.ts";
import type { PolicyLeases } from "./edit.ts";
import { inEveryRegion, refuseFailures } from "./outcomes.ts";

const deleteTimeoutMs = 10_000;

/**
 * Deletes the repository with all its images, at home first, so that nothing new is replicated, then every replica,
 * also where home was gone before. Idempotent.
 *
 * @throws INVALID_INPUT for the registry's own repository, which holds the deployment images
 */
export async function deleteRepository(
  context: EcrContext,
  { deletions, key }: PolicyLeases,
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
  await deletions.edit(key(name), planToDelete, call, async (held) => {
    const { region: home } = context.place;
    await deleteIn(context, name, home, held);
    const replicas = context.replicaRegions.map((region) => ({ region }));
    const outcomes = await inEveryRegion(replicas, ({ region }) => deleteIn(context, name, region, held));
    refuseFailures([{ region: home }, ...outcomes], "The repository is deleted");
    return { grants: [], deleted: true, result: undefined };
  });
}

/** Deletes in one region; does nothing where there is none. */
async function deleteIn({ clients, place }: EcrContext, name: RoutableName, region: string, held: Held): Promise<void> {
  const what = `ECR DeleteRepository${region === place.region ? "" : ` in ${region}`}`;
  await held.write(what, deleteTimeoutMs, async (abortSignal) => {
    try {
      await clients
        .ecr(region)
        .send(new DeleteRepositoryCommand({ repositoryName: name, force: true }), { abortSignal });
    } catch (error) {
      if (isServiceError(error, "RepositoryNotFoundException")) return;
      throw translateAwsError(error, what, `ecr:DeleteRepository on the repository, in ${region}`);
    }
  });
}
