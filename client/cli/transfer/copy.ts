import { ArtifactRegistryError, invalidInput } from "../../../core/errors.ts";
import { createHttpClient } from "../../../core/http-client.ts";
import { defaultRetry, retrying } from "../../../core/waiting.ts";
import { createClient } from "../../../oci/client/index.ts";
import {
  chooseImage,
  layoutOf,
  openLayout,
  type Place,
  type Progress,
  pullLayout,
  pushLayout,
  sampleImage,
  type Transferred,
} from "../../../oci/client/layout/index.ts";
import type { Connection } from "../../connection.ts";
import type { Permissions } from "../../types.ts";
import { registryUrl } from "../connecting.ts";
import type { PerformContext } from "../listing.ts";
import { explainTransfer } from "./errors.ts";
import { parseReference, type Reference } from "./reference.ts";

/** What was copied. */
export interface Copied {
  /** The image at the registry, as other clients name it. */
  readonly image: string;
  readonly digest: string;
  readonly mediaType: string;
  readonly blobs: number;
  /** Blobs that were there already. */
  readonly present: number;
  /** Bytes of the blobs that were not. */
  readonly bytes: number;
}

/**
 * Pushes an image of a layout.
 *
 * @param what `layout` is a path, or undefined for the sample image; `image` names one image of several
 * @throws ArtifactRegistryError
 */
export async function push(
  connection: Connection,
  what: { readonly layout: string | undefined; readonly repository: string; readonly image: string | undefined },
  { env, signal, tell }: PerformContext,
): Promise<Copied> {
  const { repository, tag = "latest", digest } = parseReference(what.repository);
  if (digest !== undefined) throw invalidInput("An image is pushed to a tag, not to a digest.");
  const layout = what.layout ?? "The sample image";
  return explained(`${repository}:${tag}`, layout, async () => {
    const source = what.layout === undefined ? layoutOf(sampleImage()) : await openLayout(what.layout);
    try {
      const image = chooseImage(source.images, what.image);
      const { place, uri } = await openPlace(connection, { repository, tag }, "push-pull", { env, signal });
      const report = (progress: Progress) => tell({ activity: `Pushing ${told(progress)}` });
      const done = await pushLayout(place, source, image, { attempt: attempts(signal), report });
      return copied(`${uri}:${tag}`, done);
    } finally {
      await source.close();
    }
  });
}

/** Pulls an image into a layout. @throws ArtifactRegistryError */
export async function pull(
  connection: Connection,
  what: { readonly repository: string; readonly layout: string },
  { env, signal, tell }: PerformContext,
): Promise<Copied> {
  const reference = parseReference(what.repository);
  return explained(what.repository, what.layout, async () => {
    const { place, uri } = await openPlace(connection, reference, "pull", { env, signal });
    const report = (progress: Progress) => tell({ activity: `Pulling ${told(progress)}` });
    const name = reference.digest === undefined ? place.reference : reference.tag;
    const done = await pullLayout(place, what.layout, { name, attempt: attempts(signal), report });
    return copied(`${uri}${reference.digest === undefined ? ":" : "@"}${place.reference}`, done);
  });
}

function copied(image: string, { image: { digest, mediaType }, blobs, present, bytes }: Transferred): Copied {
  return { image, digest, mediaType, blobs, present, bytes };
}

function told({ done, blobs, bytes }: Progress): string {
  return `${done} of ${blobs} blobs, ${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** Repeats what is worth a repetition. What was sent already is found there by the next try. */
function attempts(signal: AbortSignal) {
  return <T>(work: () => Promise<T>): Promise<T> =>
    retrying(
      () =>
        work().catch((error: unknown) => {
          throw explainTransfer(error, "", "");
        }),
      signal,
      { ...defaultRetry, capMs: 10_000 },
    );
}

/** Runs a transfer, and explains its errors in the words of whoever asked for it. */
async function explained<T>(image: string, layout: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const original = error instanceof ArtifactRegistryError && error.cause !== undefined ? error.cause : error;
    const known = explainTransfer(original, image, layout);
    throw known === original ? error : known;
  }
}

/**
 * Mints credentials, and finds out where the repository is at its registry.
 *
 * @throws ArtifactRegistryError
 */
async function openPlace(
  connection: Connection,
  { repository: repoId, tag = "latest", digest }: Reference,
  permissions: Permissions,
  { env, signal }: Pick<PerformContext, "env" | "signal">,
): Promise<{ readonly place: Place; readonly uri: string }> {
  const { call } = connection;
  const minted = await call("generateCredentials", { repoId, permissions });
  const { host, origin } = await registryUrl(connection, minted);
  // Who names the repository by its URI needs no right to look it up.
  const uri = repoId.startsWith(`${host}/`) ? repoId : (await call("getRepository", { repoId })).uri;
  if (!uri?.startsWith(`${host}/`)) {
    throw new ArtifactRegistryError("RESOURCE_NOT_FOUND", `The repository "${repoId}" is not at ${host} yet.`, {
      hint: "Try again in a moment.",
    });
  }
  const { authMethod, username, password } = minted;
  const client = createClient({
    url: origin,
    credentials: authMethod === "basic" ? { username, password } : { bearer: password },
    fetch: createHttpClient({ env, answerAtMost: Number.POSITIVE_INFINITY }).fetch,
    signal,
  });
  return { place: { client, repository: uri.slice(host.length + 1), reference: digest ?? tag }, uri };
}
