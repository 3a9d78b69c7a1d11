/** Creating the registry's own repository, and refusing one that cannot be it. */
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { overlappingPrefixes } from "../../../core/names.ts";
import { NotYet, untilReady } from "../../../core/until-ready.ts";
import type { Backoff } from "../../../core/waiting.ts";
import { explainedRefusal, googleCode, grpcCode } from "../errors.ts";
import { type GarContext, rpc } from "../gar/context.ts";
import { runOperation } from "../gar/operations.ts";
import {
  findOwnRepository,
  hasOwnershipLabel,
  kindFindings,
  type OwnRepository,
  ownershipLabel,
} from "../gar/own-repository.ts";
import { locationResource } from "../place.ts";

/** The waits between two attempts to find a repository that exists but is not visible yet. */
const visibilityBackoff: Backoff = { baseMs: 100, capMs: 2_000, jitter: "full" };

/**
 * Creates the registry's repository, and waits until it exists.
 *
 * @throws RESOURCE_CONFLICT where somebody else has created a repository with this id meanwhile
 */
export async function createOwnRepository(context: GarContext, call: Call): Promise<void> {
  const { project, repository } = context.place;
  const method = {
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
    await runOperation(context, call, method, (client, options) => client.createRepository(request, options));
  } catch (error) {
    if (googleCode(error) === grpcCode.invalidArgument) {
      throw explainedRefusal(error, "Artifact Registry CreateRepository") ?? invalidPlace(context, error);
    }
    if (googleCode(error) !== grpcCode.alreadyExists) throw error;
    // It is ours if the answer to an earlier request was lost, or if another call creates it right now.
    const visible = async () => {
      const created = await findOwnRepository(context, call);
      if (created === undefined) throw notYetVisible(repository, error);
      return created;
    };
    refuseUnusableRepository(await untilReady(visible, call.signal, visibilityBackoff), context);
  }
}

/**
 * Refuses a repository that cannot be the registry's.
 *
 * @param note ends the hint
 * @throws RESOURCE_CONFLICT for a repository that is not ours, that does not hold images, or that nobody can push to
 */
export function refuseUnusableRepository(found: OwnRepository, { place }: GarContext, note = ""): void {
  const { repository } = place;
  if (!hasOwnershipLabel(found, place)) {
    const message = `The repository "${repository}" exists, but does not belong to this registry.`;
    throw new ArtifactRegistryError("RESOURCE_CONFLICT", message, {
      hint: `${howToAdoptRepository({ place })}, or choose another name.${note}`,
    });
  }
  const [wrong] = kindFindings(found, `The repository "${repository}"`);
  if (wrong === undefined) return;
  throw new ArtifactRegistryError("RESOURCE_CONFLICT", wrong.message, {
    hint: `A registry's repository is a standard one of the format Docker. Choose another name.${note}`,
  });
}

/** Says how somebody's repository becomes the registry's. It is the beginning of a hint. */
export function howToAdoptRepository({ place }: Pick<GarContext, "place">): string {
  return `To have it adopted, give it the label ${ownershipLabel}=${place.repository}`;
}

function invalidPlace({ place }: GarContext, cause: unknown): ArtifactRegistryError {
  const { repository, location } = place;
  return new ArtifactRegistryError(
    "BINDING_CONFIG_INVALID",
    `Artifact Registry cannot create a repository "${repository}" in ${location}.`,
    { hint: "Choose one of its locations, and an id of at most 63 characters.", cause },
  );
}

function notYetVisible(repository: string, cause: unknown): NotYet {
  return new NotYet(
    new ArtifactRegistryError("RESOURCE_CONFLICT", `The repository "${repository}" is being created.`, {
      retryable: true,
      hint: "The same call again finishes what is left.",
      cause,
    }),
  );
}

/** How many repositories one page of a list holds at most. */
const pageSize = 1_000;

/**
 * Refuses a repository whose id begins with another registry's id and `-`, or the other way round. The labels say which
 * repositories are registries'.
 *
 * @throws RESOURCE_CONFLICT naming the other registry
 */
export async function refuseOverlappingRegistries(context: GarContext, call: Call): Promise<void> {
  const { place } = context;
  const method = {
    action: "ListRepositories",
    permission: "artifactregistry.repositories.list",
    on: `the project ${place.project}`,
  };
  let pageToken = "";
  do {
    const request = { parent: locationResource(place), pageSize, pageToken };
    const [found, , page] = await rpc(context, call, method, (client, options) =>
      client.listRepositories(request, { ...options, autoPaginate: false }),
    );
    for (const each of found) {
      const repository = each.name?.split("/").at(-1) ?? "";
      const isRegistry = hasOwnershipLabel(each, { ...place, repository });
      if (isRegistry && overlaps(repository, place.repository)) throw overlapping(repository, place.repository);
    }
    pageToken = page?.nextPageToken ?? "";
  } while (pageToken !== "");
}

/** Whether two different ids overlap, by the rule for the prefixes of all registries. */
function overlaps(one: string, other: string): boolean {
  const both = new Map([one, other].map((id) => [id, id]));
  return overlappingPrefixes(both) !== undefined;
}

function overlapping(other: string, repository: string): ArtifactRegistryError {
  return new ArtifactRegistryError("RESOURCE_CONFLICT", `The registry "${other}" overlaps with "${repository}".`, {
    hint: `A registry's prefix must not begin with another's and - or /. The label ${ownershipLabel} marks the other one. Nothing was changed.`,
  });
}
