import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { overlappingPrefixes } from "../../../core/names.ts";
import { type GarContext, rpc } from "../gar/context.ts";
import { isOurs, ownershipLabel } from "../ownership.ts";
import { locationResource } from "../place.ts";

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
