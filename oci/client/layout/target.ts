/** Writes image layouts (OCI image spec 1.1, "Image Layout Specification"), into a folder or into a tar archive. */
import { randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Descriptor, ociIndex } from "../../media-types.ts";
import { verifying } from "../digest.ts";
import { OciError } from "../errors.ts";
import { descriptorsIn, parseObject } from "./descriptors.ts";
import { LayoutError } from "./error.ts";
import { padding, tarEnd, tarHeader } from "./tar.ts";

/** A layout that is being written. */
export interface LayoutTarget {
  /** How many blobs may be written at a time. */
  readonly atOnce: number;
  /** Whether the layout holds a blob already, whole and undamaged. */
  has(descriptor: Descriptor): Promise<boolean>;
  /** Writes a blob or a manifest. After a failure it can be written again. @throws what `content` throws; OciError `DIGEST_MISMATCH` for another size */
  write(descriptor: Descriptor, content: AsyncIterable<Uint8Array>): Promise<void>;
  /** Lists an image in the index. Only then is it part of the layout. @param name its name in the layout, such as its tag */
  finish(image: Descriptor, name?: string): Promise<void>;
  /** Lets go of the layout. What `finish` has not completed is removed from an archive, and stays in a folder for the next try. */
  close(): Promise<void>;
}

const layoutVersion = JSON.stringify({ imageLayoutVersion: "1.0.0" });

/**
 * Opens a layout for writing: a tar archive if the path ends with `.tar`, which replaces what was there, else a folder.
 * A folder that is a layout already gets further images.
 *
 * @throws LayoutError for a folder that holds something else
 *
 * @example
 * const target = await createLayout("./pulled");
 */
export function createLayout(path: string): Promise<LayoutTarget> {
  return path.endsWith(".tar") ? createArchive(path) : createFolder(path);
}

async function createFolder(folder: string): Promise<LayoutTarget> {
  await mkdir(folder, { recursive: true });
  const index = join(folder, "index.json");
  const entries = await readdir(folder);
  if (!entries.includes("oci-layout")) {
    if (entries.length > 0) {
      throw new LayoutError(
        "The folder holds something that is no image layout.",
        "Name a new folder, an empty one, or a file that ends with .tar.",
      );
    }
    await replaceFile(index, indexOf([]));
    await replaceFile(join(folder, "oci-layout"), layoutVersion);
  }
  return {
    atOnce: 4,
    async has(descriptor) {
      const file = blobIn(folder, descriptor);
      const found = await stat(file).catch(() => undefined);
      if (found?.size !== descriptor.size) return false;
      try {
        for await (const _ of verified(descriptor, createReadStream(file)));
        return true;
      } catch (error) {
        if (error instanceof OciError) return false;
        throw error;
      }
    },
    async write(descriptor, content) {
      const file = blobIn(folder, descriptor);
      await mkdir(dirname(file), { recursive: true });
      await replaceFile(file, verified(descriptor, content));
    },
    async finish(image, name) {
      const listed = descriptorsIn(parseObject(await readFile(index), "index.json"), "manifests");
      const others = listed.filter(
        (one) => nameOf(one) !== name || (name === undefined && one.digest !== image.digest),
      );
      await replaceFile(index, indexOf([...others, entryOf(image, name)]));
    },
    close: async () => {},
  };
}

async function createArchive(path: string): Promise<LayoutTarget> {
  const part = `${path}.${randomUUID()}.tmp`;
  const file = await open(part, "wx");
  const written = new Set<string>();
  let end = 0;
  let finished = false;
  const append = async (name: string, size: number, content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) => {
    // What a failed try has written is overwritten by the next one.
    let at = await writeAll(file, tarHeader(name, size), end);
    for await (const chunk of content) at = await writeAll(file, chunk, at);
    end = await writeAll(file, Buffer.alloc(padding(size)), at);
  };
  const appendText = (name: string, text: string) => append(name, Buffer.byteLength(text), [Buffer.from(text)]);
  try {
    await appendText("oci-layout", layoutVersion);
  } catch (error) {
    await file.close();
    await rm(part, { force: true });
    throw error;
  }
  return {
    atOnce: 1,
    has: async ({ digest }) => written.has(digest),
    async write(descriptor, content) {
      await append(`blobs/${descriptor.digest.replace(":", "/")}`, descriptor.size, verified(descriptor, content));
      written.add(descriptor.digest);
    },
    async finish(image, name) {
      await appendText("index.json", indexOf([entryOf(image, name)]));
      await file.truncate(await writeAll(file, tarEnd, end));
      await file.close();
      await rename(part, path);
      finished = true;
    },
    async close() {
      if (finished) return;
      await file.close();
      await rm(part, { force: true });
    },
  };
}

/** Passes the content on, and fails at its end unless it is that of the descriptor. */
function verified({ digest, size }: Descriptor, content: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  return verifying(ReadableStream.from(content), digest, size);
}

function blobIn(folder: string, { digest }: Descriptor): string {
  return join(folder, "blobs", ...digest.split(":"));
}

const refName = "org.opencontainers.image.ref.name";

function nameOf({ annotations }: Descriptor): string | undefined {
  return annotations?.[refName];
}

function entryOf({ mediaType, digest, size }: Descriptor, name: string | undefined): Descriptor {
  return { mediaType, digest, size, ...(name !== undefined && { annotations: { [refName]: name } }) };
}

function indexOf(manifests: readonly Descriptor[]): string {
  return JSON.stringify({ schemaVersion: 2, mediaType: ociIndex, manifests });
}

/** Writes a file beside its place, and puts it there once it is whole. */
async function replaceFile(file: string, content: string | AsyncIterable<Uint8Array>): Promise<void> {
  const part = `${file}.${randomUUID()}.tmp`;
  try {
    await writeFile(part, content, { flag: "wx" });
    await rename(part, file);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

/** Writes all bytes from a position on. @returns the position after them */
async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<number> {
  for (let at = 0; at < bytes.byteLength; ) {
    at += (await file.write(bytes, at, bytes.byteLength - at, position + at)).bytesWritten;
  }
  return position + bytes.byteLength;
}
