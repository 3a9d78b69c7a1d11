import { createHash } from "node:crypto";
import { receiveSmall } from "../bodies.ts";
import { OciError, send, sendNotModified } from "../respond.ts";
import { blobSize } from "../store/blobs.ts";
import { readManifest, removeManifest, removeReferrer, writeManifest, writeReferrer } from "../store/manifests.ts";
import { type Digest, digestOf, parseDigest, parseTag, type RepositoryName, type TagName } from "../store/names.ts";
import { change, ensureRepository, type Manifest, type Store } from "../store/store.ts";
import { readTag, removeTag, tagsOf, writeTag } from "../store/tags.ts";
import type { HandlerRequest, Services } from "./handler.ts";
import { type ManifestContent, parseManifest } from "./manifest-content.ts";

const maxManifestBytes = 4 * 1024 * 1024;
const maxTags = 10;

/**
 * Sends a manifest by tag or digest (end-3, "Pulling manifests"). For HEAD, Node leaves the body out.
 *
 * @throws OciError 404 `MANIFEST_UNKNOWN`, 406 if `Accept` leaves its type out, or 400 for a reference that cannot be one
 */
export async function getManifest({ store }: Services, { req, res, name, tail }: HandlerRequest): Promise<void> {
  const digest = await resolve(store, name, parseReference(tail));
  const manifest = digest === undefined ? undefined : await readManifest(store, name, digest);
  if (manifest === undefined || !store.recent.note(name, manifest.digest)) throw manifestUnknown(tail);
  if (!accepts(req.headers.accept, manifest.mediaType)) {
    throw new OciError(
      406,
      "MANIFEST_UNKNOWN",
      `The manifest has the type ${manifest.mediaType}, which Accept leaves out.`,
    );
  }
  const headers = {
    "Content-Type": manifest.mediaType,
    "Docker-Content-Digest": manifest.digest.text,
    ETag: `"${manifest.digest.text}"`,
    "Last-Modified": manifest.lastModified,
  };
  if (!sendNotModified({ req, res }, headers)) send(res, 200, headers, manifest.bytes);
}

/**
 * Stores a manifest under its digest and, if it was pushed by a tag, under the tag (end-7, "Pushing Manifests"). Its blobs
 * must be in the repository. A push by digest may name tags as parameters (end-7b of the specification's next version), so
 * that a tag can point to a sha512 digest.
 *
 * @throws OciError 413 `SIZE_INVALID` above 4 MiB, 503 `UNAVAILABLE` if too many large ones arrive at once, 404 `MANIFEST_BLOB_UNKNOWN`, or 400 `MANIFEST_INVALID`, `DIGEST_INVALID`
 *   or `TAG_INVALID`
 */
export async function putManifest(
  { store, manifests }: Services,
  { req, res, query, name, tail }: HandlerRequest,
): Promise<void> {
  const reference = parseReference(tail);
  if (Number(req.headers["content-length"] ?? 0) > maxManifestBytes) throw tooLarge();
  const bytes = await receiveSmall({ req, res }, maxManifestBytes, manifests);
  if (bytes === undefined) throw tooLarge();
  const digest = verify(bytes, typeof reference === "string" ? digestParameter(query) : reference);
  const content = parseManifest(bytes, req.headers["content-type"]);
  const tags = typeof reference === "string" ? [reference] : tagParameters(query);
  await change(store, name, "exclusive", async () => {
    for (const each of [digest, ...content.children]) store.recent.note(name, each);
    await requireBlobs(store, name, content);
    await ensureRepository(store, name);
    const manifest = { digest, mediaType: content.mediaType, bytes };
    if (content.subject !== undefined) await noteReferrer(store, name, manifest, content, content.subject);
    await writeManifest(store, name, manifest);
    for (const tag of tags) await writeTag(store, name, tag, digest);
  });
  send(res, 201, {
    Location: `/v2/${name}/manifests/${tail}`,
    "Docker-Content-Digest": digest.text,
    ...(content.subject === undefined ? {} : { "OCI-Subject": content.subject.text }),
    ...(typeof reference === "string" || tags.length === 0 ? {} : { "OCI-Tag": tags.join(", ") }),
  });
}

/**
 * Removes a tag or, by digest, a manifest with all its tags (end-9, "Deleting tags" and "Deleting Manifests").
 *
 * @throws OciError 404 `MANIFEST_UNKNOWN`, or 400 for a reference that cannot be one
 */
export async function deleteManifest({ store }: Services, { res, name, tail }: HandlerRequest): Promise<void> {
  const reference = parseReference(tail);
  const removed = await change(store, name, "exclusive", () =>
    typeof reference === "string" ? removeTag(store, name, reference) : removeWithTags(store, name, reference),
  );
  if (!removed) throw manifestUnknown(tail);
  send(res, 202, {});
}

// The tags go first, and the note of the referrer last. Wherever a crash stops this, no tag is left without its manifest.
async function removeWithTags(store: Store, name: RepositoryName, digest: Digest): Promise<boolean> {
  const manifest = await readManifest(store, name, digest);
  if (manifest === undefined) return false;
  for (const tag of await tagsOf(store, name, digest)) await removeTag(store, name, tag);
  await removeManifest(store, name, digest);
  const { subject } = parseManifest(manifest.bytes, manifest.mediaType);
  if (subject !== undefined) await removeReferrer(store, name, { subject, digest });
  return true;
}

function noteReferrer(
  store: Store,
  name: RepositoryName,
  { digest, mediaType, bytes }: Pick<Manifest, "digest" | "mediaType" | "bytes">,
  { artifactType, annotations }: ManifestContent,
  subject: Digest,
): Promise<void> {
  const descriptor = {
    mediaType,
    digest: digest.text,
    size: bytes.length,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(annotations === undefined ? {} : { annotations }),
  };
  return writeReferrer(store, name, { subject, digest }, descriptor);
}

/**
 * Throws unless the repository has every blob, with the size that the manifest gives. The content was checked when the blob was
 * committed, so its size is enough here. A blob of another length than it came with is not there any more: `blobSize` sees to it.
 */
async function requireBlobs(store: Store, name: RepositoryName, { blobs }: ManifestContent): Promise<void> {
  for (const { digest, size } of blobs) {
    store.recent.note(name, digest);
    const actual = await blobSize(store, name, digest);
    if (actual === undefined) {
      const message = `The manifest refers to ${digest.text}, which the repository lacks.`;
      throw new OciError(404, "MANIFEST_BLOB_UNKNOWN", message);
    }
    if (size !== undefined && size !== actual) {
      const message = `The manifest gives ${digest.text} ${size} bytes, but the blob has ${actual}.`;
      throw new OciError(400, "MANIFEST_INVALID", message);
    }
  }
}

function verify(bytes: Buffer, claimed: Digest | undefined): Digest {
  const algorithm = claimed?.algorithm ?? "sha256";
  const digest = digestOf(algorithm, createHash(algorithm).update(bytes).digest("hex"));
  if (claimed === undefined || claimed.text === digest.text) return digest;
  throw new OciError(400, "DIGEST_INVALID", `The manifest's digest is ${digest.text}, not ${claimed.text}.`);
}

function tagParameters(query: URLSearchParams): TagName[] {
  const tags = query.getAll("tag").map(parseTag);
  if (tags.length > maxTags || tags.includes(undefined)) {
    throw new OciError(400, "TAG_INVALID", `The tag parameters must be tags, at most ${maxTags} of them.`);
  }
  return tags.filter((tag) => tag !== undefined);
}

// A push by tag may name the digest as a parameter, to choose another algorithm than sha256.
function digestParameter(query: URLSearchParams): Digest | undefined {
  const text = query.get("digest");
  if (text === null) return undefined;
  const digest = parseDigest(text);
  if (digest === undefined) throw new OciError(400, "DIGEST_INVALID", "The digest parameter is not a digest.");
  return digest;
}

function parseReference(text: string): Digest | TagName {
  const reference = text.includes(":") ? parseDigest(text) : parseTag(text);
  if (reference !== undefined) return reference;
  if (text.includes(":")) throw new OciError(400, "DIGEST_INVALID", "The reference is neither a tag nor a digest.");
  throw new OciError(400, "TAG_INVALID", "The tag is too long, or holds a character that tags may not have.");
}

function resolve(store: Store, name: RepositoryName, reference: Digest | TagName): Promise<Digest | undefined> {
  return typeof reference === "string" ? readTag(store, name, reference) : Promise.resolve(reference);
}

/** Returns false only if the client lists types, and lists neither this one nor a wildcard that covers it. */
function accepts(accept: string | undefined, mediaType: string): boolean {
  if (accept === undefined || accept.trim() === "") return true;
  const types = accept.split(",").map((part) => part.split(";")[0]?.trim().toLowerCase());
  return [mediaType, "*/*", "application/*", "application/json"].some((type) => types.includes(type));
}

function tooLarge(): OciError {
  return new OciError(413, "SIZE_INVALID", `A manifest has at most ${maxManifestBytes} bytes.`);
}

function manifestUnknown(reference: string): OciError {
  return new OciError(404, "MANIFEST_UNKNOWN", `The repository has no manifest ${reference}.`);
}
