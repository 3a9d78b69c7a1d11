/** Reads image layouts (OCI image spec 1.1, "Image Layout Specification"), in a folder or in a tar archive. */
import { createReadStream } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Descriptor } from "../../media-types.ts";
import { isDigest, verify } from "../digest.ts";
import type { Image } from "../image.ts";
import { descriptorsIn, parseObject } from "./descriptors.ts";
import { LayoutError } from "./error.ts";
import { readTarEntries, type TarEntry } from "./tar.ts";

/** A file of a layout. `content` can be read several times. */
export interface LayoutFile {
  readonly size: number;
  content(): AsyncIterable<Uint8Array>;
}

/** A layout that can be read. */
export interface LayoutSource {
  /** What its index lists: images, and images for several platforms. */
  readonly images: readonly Descriptor[];
  /** Finds a blob or a manifest. It has the size that the descriptor says. @throws LayoutError if it has not */
  find(descriptor: Descriptor): Promise<LayoutFile>;
  close(): Promise<void>;
}

const manifestAtMost = 4 * 1024 * 1024;

/**
 * Opens a layout. Close it after use.
 *
 * @param path a folder, or a tar archive of one
 * @throws LayoutError for what is no layout; the system's error for what cannot be read
 *
 * @example
 * const source = await openLayout("./my-image");
 * const [image] = source.images;
 */
export async function openLayout(path: string): Promise<LayoutSource> {
  const files = (await stat(path)).isDirectory() ? folderFiles(path) : await archiveFiles(path);
  try {
    const marker = await files.find("oci-layout");
    const index = await files.find("index.json");
    if (marker === undefined || index === undefined) throw await noLayout(files);
    return {
      images: descriptorsIn(parseObject(await readSmall(index), "index.json"), "manifests"),
      find: (descriptor) => findBlob(files, descriptor),
      close: files.close,
    };
  } catch (error) {
    await files.close();
    throw error;
  }
}

/** Offers an image in memory as a layout does. */
export function layoutOf({ manifest, blobs }: Image): LayoutSource {
  const { bytes, mediaType, digest } = manifest;
  const contents = new Map([...blobs, [digest, bytes]]);
  const find = async (path: string) => {
    const found = contents.get(path.replace("blobs/", "").replace("/", ":"));
    return found && { size: found.byteLength, content: () => oneChunk(found) };
  };
  const files = { find, close: async () => {} };
  return {
    images: [{ mediaType, digest, size: bytes.byteLength }],
    find: (descriptor) => findBlob(files, descriptor),
    close: files.close,
  };
}

/**
 * Reads a manifest of a layout.
 *
 * @throws LayoutError if it is not there; OciError `DIGEST_MISMATCH` if it is damaged
 */
export async function readManifest(source: LayoutSource, descriptor: Descriptor): Promise<Buffer> {
  const bytes = await readSmall(await source.find(descriptor));
  verify(bytes, descriptor.digest);
  return bytes;
}

/**
 * Decides which image of a layout is meant.
 *
 * @param wanted a digest, or the name under which a tool stored the image; without it there must be one image alone
 * @throws LayoutError that names the choices
 */
export function chooseImage(images: readonly Descriptor[], wanted?: string): Descriptor {
  const named = wanted === undefined ? images : images.filter((one) => namesOf(one).includes(wanted));
  const [only, another] = [...new Map(named.map((one) => [one.digest, one])).values()];
  if (only !== undefined && another === undefined) return only;
  if (images.length === 0) throw new LayoutError("The layout holds no image.");
  const choices = images.map((one) => namesOf(one)[0]).join(", ");
  throw new LayoutError(
    wanted === undefined ? "The layout holds several images." : `The layout holds no single image "${wanted}".`,
    `Choose one with --image: ${choices}.`,
  );
}

/** The annotations under which tools store an image's name: that of the specification, and that of containerd and Docker. */
const nameAnnotations = ["org.opencontainers.image.ref.name", "io.containerd.image.name"];

function namesOf({ digest, annotations = {} }: Descriptor): string[] {
  return [...nameAnnotations.flatMap((key) => annotations[key] ?? []), digest];
}

interface Files {
  find(path: string): Promise<LayoutFile | undefined>;
  close(): Promise<void>;
}

function folderFiles(folder: string): Files {
  return {
    async find(path) {
      const file = join(folder, path);
      const found = await stat(file).catch(absent);
      return found?.isFile() ? { size: found.size, content: () => createReadStream(file) } : undefined;
    },
    close: async () => {},
  };
}

async function archiveFiles(path: string): Promise<Files> {
  const file = await open(path);
  try {
    const entries = await readTarEntries(file);
    return {
      async find(name) {
        const entry = entries.get(name);
        if (entry === undefined) return undefined;
        return { size: entry.size, content: () => readPart(file, entry) };
      },
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

const chunkBytes = 256 * 1024;

async function* readPart(file: FileHandle, { offset, size }: TarEntry): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < size; ) {
    const wanted = Math.min(chunkBytes, size - at);
    const { bytesRead, buffer } = await file.read(Buffer.alloc(wanted), 0, wanted, offset + at);
    if (bytesRead === 0) throw new LayoutError("The archive ends in the middle of a file.");
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
}

async function findBlob(files: Files, { digest, size }: Descriptor): Promise<LayoutFile> {
  // A digest becomes part of a path, so it must be nothing else.
  const found = isDigest(digest) ? await files.find(`blobs/${digest.replace(":", "/")}`) : undefined;
  if (found === undefined) {
    throw new LayoutError(
      `The layout lacks ${digest.slice(0, 80)}.`,
      "If it holds an image for one platform out of several, choose that one with --image and its digest.",
    );
  }
  if (found.size === size) return found;
  throw new LayoutError(`${digest} has ${found.size} bytes in the layout, but its manifest says ${size}.`);
}

async function noLayout(files: Files): Promise<LayoutError> {
  if ((await files.find("manifest.json")) === undefined) {
    return new LayoutError("It holds no OCI image layout.", "A layout has the files oci-layout and index.json.");
  }
  return new LayoutError(
    "It is an archive of an older `docker save`, not an OCI image layout.",
    "Save it with Docker 25 or newer, or convert it: skopeo copy docker-archive:FILE oci:FOLDER.",
  );
}

async function readSmall({ size, content }: LayoutFile): Promise<Buffer> {
  if (size > manifestAtMost)
    throw new LayoutError(`A manifest or index has ${size} bytes, more than a registry takes.`);
  const chunks: Uint8Array[] = [];
  for await (const chunk of content()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function* oneChunk(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT" && error.code !== "ENOTDIR") throw error;
}
