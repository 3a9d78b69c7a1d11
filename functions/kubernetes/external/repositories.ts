import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { RoutableName } from "../../../core/names.ts";
import type { RepositoryResponse } from "../../../core/schemas.ts";
import { OciError, repositoryMarker } from "../../../oci/client/index.ts";
import { type ExternalContext, step } from "./context.ts";

const { manifest, config, tag: markerTag } = repositoryMarker;

/**
 * Finds the repository: it is there if it has our marker or any other tag. No registry tells when it was created, so there is
 * no `createdAt`.
 *
 * @throws RESOURCE_NOT_FOUND
 */
export async function getRepository(
  context: ExternalContext,
  name: RoutableName,
  call: Call,
): Promise<RepositoryResponse> {
  const isThere =
    (await hasMarker(context, name, call, markerTag)) ||
    (await listTags(context, name, call, 1)).length > 0 ||
    // Earlier versions pushed the marker without a tag.
    (await hasMarker(context, name, call, manifest.digest));
  if (isThere) return answer(context, name);
  throw new ArtifactRegistryError("RESOURCE_NOT_FOUND", `There is no repository "${name}".`, {
    hint: "Create it with createRepository.",
  });
}

/**
 * Makes sure that the repository exists: we push a marker, a small manifest with a tag of our own, which no garbage collector
 * takes for waste. The marker is the same everywhere, so pushing it twice changes nothing.
 */
export async function createRepository(
  context: ExternalContext,
  name: RoutableName,
  call: Call,
): Promise<RepositoryResponse> {
  await step(context, call, { what: "push marker", as: "account" }, async (client) => {
    if ((await client.headManifest(name, markerTag)) !== undefined) return;
    try {
      await client.pushBlob(name, { digest: config.digest, body: config.bytes });
      await client.pushManifest(name, markerTag, manifest);
    } catch (error) {
      throw isDisturbed(error) ? disturbed(name, error) : error;
    }
  });
  return answer(context, name);
}

/**
 * Lists the tags of a repository, page after page. The list is empty if the registry does not know the repository.
 *
 * @param atMost how many tags to list at most. Default: all of them
 */
export function listTags(context: ExternalContext, name: RoutableName, call: Call, atMost?: number): Promise<string[]> {
  return step(context, call, { what: "list tags", as: "account" }, async (client) => {
    const tags: string[] = [];
    try {
      for await (const tag of client.eachTag(name)) {
        tags.push(tag);
        if (tags.length === atMost) break;
      }
    } catch (error) {
      if (!(error instanceof OciError && error.status === 404)) throw error;
    }
    return tags;
  });
}

async function hasMarker(
  context: ExternalContext,
  name: RoutableName,
  call: Call,
  reference: string,
): Promise<boolean> {
  const head = await step(context, call, { what: "look for marker", as: "account" }, (client) =>
    client.headManifest(name, reference),
  );
  return head !== undefined;
}

/**
 * Tells whether somebody else is creating or deleting the same repository. We know that the marker's digest is right. If the
 * registry denies it, it is reading what another request is still writing, as distribution 2.8 does.
 */
function isDisturbed(error: unknown): boolean {
  return error instanceof OciError && ["MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN", "DIGEST_INVALID"].includes(error.code);
}

function disturbed(name: RoutableName, cause: unknown): ArtifactRegistryError {
  return new ArtifactRegistryError(
    "RESOURCE_CONFLICT",
    `"${name}" was created or deleted by somebody else meanwhile.`,
    {
      retryable: true,
      cause,
    },
  );
}

function answer({ host }: ExternalContext, name: RoutableName): RepositoryResponse {
  return { name, uri: `${host}/${name}` };
}
