import { DeleteRepositoryCommand } from "@aws-sdk/client-ecr";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { RoutableName } from "../../../core/names.ts";
import type { EcrContext } from "../ecr/context.ts";
import type { PolicyLeases } from "../ecr/edit.ts";
import { isServiceError, translateAwsError } from "../errors.ts";
import { type Held, planToDelete } from "../lease/index.ts";

const deleteTimeoutMs = 10_000;

export interface Removal {
  readonly context: EcrContext;
  readonly leases: PolicyLeases;
  /** Regions that may hold replicas. */
  readonly replicas: readonly string[];
}

/**
 * Deletes a repository for good, under its lease, so that no edit brings its grants back. The replicas go first: home is
 * what a repeated call finds them by. Nothing new is replicated, since the rule is gone before.
 *
 * @param images whether home may hold images; its replicas may always
 * @throws RESOURCE_CONFLICT where it holds images and may not
 */
export async function deleteWithReplicas(
  { context, leases, replicas }: Removal,
  name: string,
  { images }: { readonly images: boolean },
  call: Call,
): Promise<void> {
  const { deletions, key } = leases;
  await deletions.edit(key(name as RoutableName), planToDelete, call, async (held) => {
    for (const region of replicas) await deleteIn(context, name, region, true, held);
    await deleteIn(context, name, context.place.region, images, held);
    return { grants: [], deleted: true, result: undefined };
  });
}

async function deleteIn(
  { clients, place }: EcrContext,
  repositoryName: string,
  region: string,
  force: boolean,
  held: Held,
): Promise<void> {
  const what = `ECR DeleteRepository${region === place.region ? "" : ` in ${region}`}`;
  await held.write(what, deleteTimeoutMs, async (abortSignal) => {
    try {
      await clients.ecr(region).send(new DeleteRepositoryCommand({ repositoryName, force }), { abortSignal });
    } catch (error) {
      if (isServiceError(error, "RepositoryNotFoundException")) return;
      if (isServiceError(error, "RepositoryNotEmptyException")) throw pushedMeanwhile(repositoryName, error);
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
