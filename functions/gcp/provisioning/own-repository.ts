import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { type Backoff, NotYet, untilReady } from "../../../core/waiting.ts";
import { googleCode, unlessAbsent } from "../errors.ts";
import type { GarContext } from "../gar/context.ts";
import { operate } from "../gar/operations.ts";
import { findRepository, type Repository } from "../gar/repository.ts";
import { grpcCode } from "../grpc-codes.ts";
import { isOurs, ownershipLabel } from "../ownership.ts";
import { locationResource, repositoryResource } from "../place.ts";

/** The waits between two looks at a repository that exists and cannot be seen yet. */
const looks: Backoff = { baseMs: 100, capMs: 2_000, jitter: "full" };

/**
 * Makes the registry's repository, and waits until it is there.
 *
 * @throws RESOURCE_CONFLICT where somebody else was faster
 */
export async function createOwnRepository(context: GarContext, call: Call): Promise<void> {
  const { project, repository } = context.place;
  const options = {
    action: "CreateRepository",
    permission: "artifactregistry.repositories.create",
    on: `the project ${project}`,
    expected: [grpcCode.alreadyExists, grpcCode.invalidArgument],
  };
  const request = {
    parent: locationResource(context.place),
    repositoryId: repository,
    repository: {
      format: "DOCKER" as const,
      description: "Images of an artifact registry.",
      labels: { [ownershipLabel]: repository },
    },
  };
  try {
    await operate(context, call, options, (client, more) => client.createRepository(request, more));
  } catch (error) {
    if (googleCode(error) === grpcCode.invalidArgument) throw noSuchPlace(context, error);
    if (googleCode(error) !== grpcCode.alreadyExists) throw error;
    // Ours if an answer was lost on the way, or another call makes it at this moment.
    const seen = async () => {
      const made = await findRepository(context, call);
      if (made === undefined) throw stillBeingMade(repository, error);
      return made;
    };
    refuseUnusableRepository(await untilReady(seen, call.signal, looks), context);
  }
}

/** Deletes the registry's repository with everything in it, and waits until it is gone. */
export async function deleteOwnRepository(context: GarContext, call: Call): Promise<void> {
  const request = { name: repositoryResource(context.place) };
  const options = {
    action: "DeleteRepository",
    permission: "artifactregistry.repositories.delete",
    expected: [grpcCode.notFound],
  };
  await unlessAbsent(operate(context, call, options, (client, more) => client.deleteRepository(request, more)));
}

/** @throws RESOURCE_CONFLICT for a repository that is not ours, or holds no images */
export function refuseUnusableRepository(found: Repository, { place }: GarContext, more = ""): void {
  const { repository } = place;
  if (!isOurs(found.labels ?? {}, place)) {
    throw new ArtifactRegistryError(
      "RESOURCE_CONFLICT",
      `The repository "${repository}" exists and is not this registry's.`,
      {
        hint: `${adoption({ place })}, or choose another name.${more}`,
      },
    );
  }
  if (found.format === "DOCKER") return;
  throw new ArtifactRegistryError("RESOURCE_CONFLICT", `The repository "${repository}" does not hold images.`, {
    hint: `A registry's repository has the format Docker; choose another name.${more}`,
  });
}

/** How somebody's repository becomes the registry's. */
export function adoption({ place }: Pick<GarContext, "place">): string {
  return `Give it the label ${ownershipLabel}=${place.repository} to have it adopted`;
}

function noSuchPlace({ place }: GarContext, cause: unknown): ArtifactRegistryError {
  const { repository, location } = place;
  return new ArtifactRegistryError(
    "BINDING_CONFIG_INVALID",
    `Artifact Registry makes no repository "${repository}" in ${location}.`,
    { hint: "Choose one of its locations, and an id of at most 63 characters.", cause },
  );
}

function stillBeingMade(repository: string, cause: unknown): NotYet {
  return new NotYet(
    new ArtifactRegistryError("RESOURCE_CONFLICT", `The repository "${repository}" is being made.`, {
      retryable: true,
      hint: "The same call again finishes what is left.",
      cause,
    }),
  );
}
