import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { overlappingPrefixes } from "../../../core/names.ts";
import { type Backoff, NotYet, untilReady } from "../../../core/waiting.ts";
import { googleCode, grpcCode } from "../errors.ts";
import { type GarContext, rpc } from "../gar/context.ts";
import { operate } from "../gar/operations.ts";
import { findRepository, isOurs, ownershipLabel, type Repository } from "../gar/own-repository.ts";
import { locationResource } from "../place.ts";

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

/** How many repositories one page of a list holds, at most. */
const pageSize = 1_000;

/**
 * Refuses a repository whose id another registry's extends by `-`, or that extends another's. The labels of the
 * registries' own repositories tell.
 *
 * @throws RESOURCE_CONFLICT
 */
export async function refuseOverlappingRegistries(context: GarContext, call: Call): Promise<void> {
  const { place } = context;
  const options = {
    action: "ListRepositories",
    permission: "artifactregistry.repositories.list",
    on: `the project ${place.project}`,
  };
  let pageToken = "";
  do {
    const request = { parent: locationResource(place), pageSize, pageToken };
    const [found, , page] = await rpc(context, call, options, (client, more) =>
      client.listRepositories(request, { ...more, autoPaginate: false }),
    );
    for (const { name, labels } of found) {
      const repository = name?.split("/").at(-1) ?? "";
      const isRegistry = isOurs(labels ?? {}, { ...place, repository });
      if (isRegistry && overlap(repository, place.repository)) throw overlapping(repository, place.repository);
    }
    pageToken = page?.nextPageToken ?? "";
  } while (pageToken !== "");
}

/** Whether two different ids overlap by the rule that every platform's registries are held to. */
function overlap(one: string, other: string): boolean {
  const both = new Map([one, other].map((id) => [id, id]));
  return overlappingPrefixes(both) !== undefined;
}

function overlapping(other: string, repository: string): ArtifactRegistryError {
  return new ArtifactRegistryError("RESOURCE_CONFLICT", `The registry "${other}" overlaps with "${repository}".`, {
    hint: `No registry's prefix may extend another's by - or /. It is known by its label ${ownershipLabel}. Nothing was changed.`,
  });
}
