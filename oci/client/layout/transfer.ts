/** Copies images between a registry and a layout. No blob is ever whole in memory, and every digest is checked. */
import type { Descriptor } from "../../media-types.ts";
import type { OciClient } from "../client.ts";
import { verifying } from "../digest.ts";
import { OciError } from "../errors.ts";
import { needsOf } from "./descriptors.ts";
import { LayoutError } from "./error.ts";
import { type LayoutSource, readManifest } from "./source.ts";
import { createLayout } from "./target.ts";

/** Where an image is in a registry. */
export interface Place {
  readonly client: OciClient;
  /** The repository's whole name at the registry. */
  readonly repository: string;
  /** A tag or a digest. */
  readonly reference: string;
}

/** How far a transfer has come. Sizes are in bytes. */
export interface Progress {
  readonly blobs: number;
  readonly done: number;
  /** Of those done, the blobs that were there already and were not moved. */
  readonly present: number;
  /** What has been moved so far. */
  readonly bytes: number;
}

export interface TransferOptions {
  /** Does one piece of the work, and may do it again after a failure. By default it is done once. */
  readonly attempt?: <T>(work: () => Promise<T>) => Promise<T>;
  /** Is told after each blob. */
  readonly report?: (progress: Progress) => void;
}

/** What was copied: an image, or an image for several platforms with all of them. */
export interface Transferred extends Omit<Progress, "done"> {
  readonly image: Descriptor;
}

const blobsAtOnce = 4;
const once = <T>(work: () => Promise<T>): Promise<T> => work();

/**
 * Pushes an image of a layout. Blobs go before the manifests that need them, and only the image itself gets the reference. Blobs that the
 * repository has are not sent again.
 *
 * @throws OciError, also for a damaged layout (`DIGEST_MISMATCH`); LayoutError if something is missing in it
 */
export async function pushLayout(
  { client, repository, reference }: Place,
  source: LayoutSource,
  image: Descriptor,
  { attempt = once, report }: TransferOptions = {},
): Promise<Transferred> {
  const { manifests, blobs } = await gather(image, (descriptor) => readManifest(source, descriptor));
  // Nothing is sent of a layout that is not complete.
  for (const blob of blobs) await source.find(blob);
  const progress = await each(blobs, blobsAtOnce, report, (blob) =>
    attempt(async () => {
      if ((await client.headBlob(repository, blob.digest)) !== undefined) return false;
      await pushBlob({ client, repository }, source, blob);
      return true;
    }),
  );
  for (const { descriptor, bytes } of manifests) {
    const { digest, mediaType } = descriptor;
    const name = digest === image.digest ? reference : digest;
    await attempt(() => client.pushManifest(repository, name, { bytes, mediaType }));
  }
  return { image, ...progress };
}

/**
 * Pulls an image into a layout, and lists it there. Blobs that the layout has are not read again. If the transfer fails, an archive is
 * left as it was, and a folder keeps the blobs that have come for the next try.
 *
 * @param path a folder, or a tar archive if it ends with `.tar`
 * @param options `name` is the image's name in the layout, such as its tag
 * @throws OciError; LayoutError for a manifest that is not that of an image, and for a folder that holds something else
 */
export async function pullLayout(
  { client, repository, reference }: Place,
  path: string,
  { name, attempt = once, report }: TransferOptions & { readonly name?: string | undefined } = {},
): Promise<Transferred> {
  const top = await attempt(() => client.pullManifest(repository, reference));
  const image = { mediaType: top.mediaType, digest: top.digest, size: top.bytes.byteLength };
  const read = async ({ digest, size }: Descriptor) => {
    if (digest === top.digest) return top.bytes;
    const { bytes } = await attempt(() => client.pullManifest(repository, digest));
    if (bytes.byteLength === size) return bytes;
    throw new LayoutError(`${digest} has ${bytes.byteLength} bytes, but the index says ${size}.`);
  };
  const { manifests, blobs } = await gather(image, read);
  const target = await createLayout(path);
  try {
    const progress = await each(blobs, target.atOnce, report, (blob) =>
      attempt(async () => {
        if (await target.has(blob)) return false;
        await target.write(blob, (await client.pullBlob(repository, blob.digest)).stream);
        return true;
      }),
    );
    for (const { descriptor, bytes } of manifests) await target.write(descriptor, ReadableStream.from([bytes]));
    await target.finish(image, name);
    return { image, ...progress };
  } finally {
    await target.close();
  }
}

interface Gathered {
  /** Each manifest comes after those that it lists. */
  readonly manifests: readonly { readonly descriptor: Descriptor; readonly bytes: Uint8Array }[];
  readonly blobs: readonly Descriptor[];
}

/** Reads all manifests of an image, and finds the blobs that they need, each once. */
async function gather(image: Descriptor, read: (descriptor: Descriptor) => Promise<Uint8Array>): Promise<Gathered> {
  const manifests = new Map<string, { descriptor: Descriptor; bytes: Uint8Array }>();
  const blobs = new Map<string, Descriptor>();
  const visit = async (descriptor: Descriptor): Promise<void> => {
    if (manifests.has(descriptor.digest)) return;
    const bytes = await read(descriptor);
    const needs = needsOf(descriptor, bytes);
    for (const child of needs.manifests) await visit(child);
    for (const blob of needs.blobs) blobs.set(blob.digest, blob);
    manifests.set(descriptor.digest, { descriptor, bytes });
  };
  await visit(image);
  return { manifests: [...manifests.values()], blobs: [...blobs.values()] };
}

/** Moves blobs, some at a time. @param move returns whether the blob had to be moved */
async function each(
  blobs: readonly Descriptor[],
  atOnce: number,
  report: TransferOptions["report"],
  move: (blob: Descriptor) => Promise<boolean>,
): Promise<Omit<Progress, "done">> {
  let [done, present, bytes, failed] = [0, 0, 0, false];
  const waiting = blobs.values();
  const worker = async () => {
    for (const blob of waiting) {
      if (failed) return;
      try {
        if (await move(blob)) bytes += blob.size;
        else present++;
      } catch (error) {
        failed = true;
        throw error;
      }
      done++;
      report?.({ blobs: blobs.length, done, present, bytes });
    }
  };
  const workers = await Promise.allSettled(Array.from({ length: atOnce }, worker));
  for (const one of workers) if (one.status === "rejected") throw one.reason;
  return { blobs: blobs.length, present, bytes };
}

async function pushBlob(
  { client, repository }: Pick<Place, "client" | "repository">,
  source: LayoutSource,
  { digest, size }: Descriptor,
): Promise<void> {
  const file = await source.find({ mediaType: "", digest, size });
  let fault: unknown;
  const body = async function* () {
    try {
      yield* verifying(ReadableStream.from(file.content()), digest, size);
    } catch (error) {
      fault = error;
      throw error;
    }
  };
  try {
    await client.pushBlob(repository, { digest, size, body: body() });
  } catch (error) {
    // The registry's connection breaks off when the layout cannot be read. The cause is what the reader must know.
    if (fault instanceof OciError && fault.code === "DIGEST_MISMATCH") {
      throw new LayoutError(`${digest} is damaged in the layout: ${fault.message}`);
    }
    throw fault ?? error;
  }
}
