import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { overlappingPrefixes } from "../../../core/names.ts";
import { googleCode } from "../errors.ts";
import { type GarContext, rpc } from "../gar/context.ts";
import { finished, type Operation } from "../gar/operations.ts";
import { findRepository, type Repository } from "../gar/repository.ts";
import { grpcCode } from "../grpc-codes.ts";
import { isOurs, ownershipLabel } from "../ownership.ts";
import { repositoryResource } from "../place.ts";
import { jittered, NotYet, repeatedly } from "../repeating.ts";

/** Milliseconds between two looks at a repository that exists, and is not to be seen yet. */
const looks = jittered(100, 2_000);

/** How many things one page of a list holds, at most. */
const pageSize = 1_000;

/**
 * Makes the registry's repository, and waits until it is there.
 *
 * @throws RESOURCE_CONFLICT where somebody else was faster
 */
export async function createOwnRepository(context: GarContext, call: Call): Promise<void> {
  const { repository } = context.place;
  const options = {
    action: "CreateRepository",
    permission: "artifactregistry.repositories.create",
    on: `the project ${context.place.project}`,
    expected: [grpcCode.alreadyExists, grpcCode.invalidArgument],
  };
  const request = {
    parent: parentOf(context),
    repositoryId: repository,
    repository: {
      format: "DOCKER" as const,
      description: "Images of an artifact registry.",
      labels: { [ownershipLabel]: repository },
    },
  };
  try {
    const started = await rpc(context, call, options, async (client, more) => {
      const [operation] = await client.createRepository(request, more);
      return operation.latestResponse as Operation;
    });
    await finished(context, started, options, call);
  } catch (error) {
    if (googleCode(error) === grpcCode.invalidArgument) throw noSuchPlace(context, error);
    if (googleCode(error) !== grpcCode.alreadyExists) throw error;
    // Ours if an answer was lost on the way, or another call makes it at this moment.
    const found = await repeatedly(call, looks, async () => {
      const made = await findRepository(context, call);
      if (made === undefined) throw stillBeingMade(repository, error);
      return made;
    });
    refuseUnusable(found, context);
  }
}

/** Deletes the registry's repository with everything in it, and waits until it is gone. */
export async function deleteOwnRepository(context: GarContext, call: Call): Promise<void> {
  const options = {
    action: "DeleteRepository",
    permission: "artifactregistry.repositories.delete",
    expected: [grpcCode.notFound],
  };
  try {
    const started = await rpc(context, call, options, async (client, more) => {
      const [operation] = await client.deleteRepository({ name: repositoryResource(context.place) }, more);
      return operation.latestResponse as Operation;
    });
    await finished(context, started, options, call);
  } catch (error) {
    if (googleCode(error) !== grpcCode.notFound) throw error;
  }
}

/** @throws RESOURCE_CONFLICT (not retryable) while the registry holds images */
export async function refuseImages(context: GarContext, call: Call): Promise<void> {
  const options = {
    action: "ListPackages",
    permission: "artifactregistry.packages.list",
    expected: [grpcCode.notFound],
  };
  let repositories = 0;
  try {
    const [packages] = await rpc(context, call, options, (client, more) =>
      client.listPackages({ parent: repositoryResource(context.place), pageSize }, { ...more, autoPaginate: false }),
    );
    repositories = packages.length;
  } catch (error) {
    if (googleCode(error) !== grpcCode.notFound) throw error;
  }
  if (repositories === 0) return;
  const what =
    repositories === 1 ? "a repository" : `${repositories}${repositories < pageSize ? "" : " or more"} repositories`;
  throw new ArtifactRegistryError("RESOURCE_CONFLICT", `The registry still holds ${what}.`, {
    hint: "Delete them first, or pass deleteRepositories: true.",
    context: { repositories },
  });
}

/**
 * Refuses a repository whose id another registry's extends by `-`, or that extends another's. The labels of the
 * registries' own repositories tell.
 *
 * @throws RESOURCE_CONFLICT
 */
export async function refuseOverlappingRegistries(context: GarContext, call: Call): Promise<void> {
  const { repository, project } = context.place;
  const options = {
    action: "ListRepositories",
    permission: "artifactregistry.repositories.list",
    on: `the project ${project}`,
  };
  let pageToken = "";
  do {
    const [found, , page] = await rpc(context, call, options, (client, more) =>
      client.listRepositories({ parent: parentOf(context), pageSize, pageToken }, { ...more, autoPaginate: false }),
    );
    for (const { name, labels } of found) {
      const id = name?.split("/").at(-1) ?? "";
      if (labels?.[ownershipLabel] !== id || id === repository) continue;
      if (
        overlappingPrefixes(
          new Map([
            ["one", id],
            ["other", repository],
          ]),
        )
      )
        throw overlap(id, repository);
    }
    pageToken = page?.nextPageToken ?? "";
  } while (pageToken !== "");
}

/** @throws RESOURCE_CONFLICT for a repository that is not ours, or holds no images */
export function refuseUnusable(found: Repository, { place }: GarContext, more = ""): void {
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

function parentOf({ place }: GarContext): string {
  return `projects/${place.project}/locations/${place.location}`;
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

function overlap(other: string, repository: string): ArtifactRegistryError {
  return new ArtifactRegistryError("RESOURCE_CONFLICT", `The registry "${other}" overlaps with "${repository}".`, {
    hint: `No registry's prefix may extend another's by - or /. It is known by its label ${ownershipLabel}. Nothing was changed.`,
  });
}
