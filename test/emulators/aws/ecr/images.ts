import type { Call } from "../call.ts";
import { eventOf } from "../events.ts";
import type { Input } from "../wire/input.ts";
import { paged, refusePages } from "../wire/paging.ts";
import { authorizedRepository, registryOf } from "./authorize.ts";
import { type ImageStore, type Images, type StoredImage, tagged } from "./state.ts";

export async function listImages(call: Call): Promise<object> {
  const repository = await authorizedRepository(call);
  const status = call.input.optionalRecord("filter")?.optionalText("tagStatus") ?? "ANY";
  const ids = sorted(repository).flatMap((image): { key: string; id: { imageDigest: string; imageTag?: string } }[] => {
    const [key, imageDigest] = [keyOf(image), image.digest];
    if (image.tags.size === 0) return [{ key, id: { imageDigest } }];
    return [...image.tags].sort().map((imageTag) => ({ key: `${key} ${imageTag}`, id: { imageDigest, imageTag } }));
  });
  const wanted = ids.filter(({ id }) => status === "ANY" || "imageTag" in id === (status === "TAGGED"));
  const of = `${repository.name} ${status}`;
  const { items, nextToken } = paged(call, { all: wanted, keyOf: ({ key }) => key, of });
  return { imageIds: items.map(({ id }) => id), nextToken };
}

export async function describeImages(call: Call): Promise<object> {
  const repository = await authorizedRepository(call);
  const filter = call.input.optionalRecord("filter");
  // botocore 1.44, DescribeImagesFilter: images in the archive are told only to who asks for them.
  const [tagStatus = "ANY", status = "ACTIVE"] = [
    filter?.optionalText("tagStatus"),
    filter?.optionalText("imageStatus"),
  ];
  const isWanted = (image: StoredImage) =>
    [image.status, "ANY"].includes(status) && [image.tags.size > 0 ? "TAGGED" : "UNTAGGED", "ANY"].includes(tagStatus);
  const { items, nextToken } = pageOfImages(call, repository, `${tagStatus} ${status}`, isWanted);
  const imageDetails = items.map((image) => ({
    ...shown(repository, image),
    lastRecordedPullTime: image.lastPulledAt,
    imageStatus: image.status,
  }));
  return { imageDetails, nextToken };
}

/** One page of a repository's images, or those that are asked for by their ids. */
export function pageOfImages(
  call: Call,
  repository: ImageStore,
  of: string,
  isWanted: (image: StoredImage) => boolean = () => true,
): { readonly items: readonly StoredImage[]; readonly nextToken?: string } {
  const ids = call.input.records("imageIds");
  if (ids.length > 0) {
    refusePages(call, "imageIds");
    return { items: ids.map((id) => required(call, repository, id)) };
  }
  return paged(call, { all: sorted(repository).filter(isWanted), keyOf, of: `${repository.name} ${of}` });
}

/** An image as both services describe it. */
export function shown({ registryId, name, images }: ImageStore, image: StoredImage): object {
  // botocore 1.44, ImageDetail: of a manifest list it is the size of the largest of its manifests.
  const sizes = image.holds.flatMap((digest) => images.get(digest)?.size ?? []);
  return {
    registryId,
    repositoryName: name,
    imageDigest: image.digest,
    ...(image.tags.size === 0 ? {} : { imageTags: [...image.tags] }),
    imageSizeInBytes: sizes.length > 0 ? Math.max(...sizes) : image.size,
    imagePushedAt: image.pushedAt,
    imageManifestMediaType: image.mediaType,
    artifactMediaType: image.artifactMediaType,
  };
}

export async function batchGetImage(call: Call): Promise<object> {
  const repository = await authorizedRepository(call);
  const { found, failures } = pick(repository, requireIds(call));
  const images = [];
  for (const { image, imageTag } of found) {
    const manifest = await call.world.dataPlane?.manifest(registryOf(call), repository.name, image.digest);
    images.push({
      registryId: repository.registryId,
      repositoryName: repository.name,
      imageId: { imageDigest: image.digest, imageTag },
      imageManifest: manifest,
      imageManifestMediaType: image.mediaType,
    });
  }
  return { images, failures };
}

export async function batchDeleteImage(call: Call): Promise<object> {
  const repository = await authorizedRepository(call);
  const registry = registryOf(call);
  const { dataPlane, clock, events } = call.world;
  return deleteImages(call, repository, {
    forget: async (reference) => dataPlane?.deleteReference(registry, repository.name, reference),
    gone(imageDigest, imageTag) {
      const at = { account: registry.account, region: registry.region, time: clock() };
      const detail = { "repository-name": repository.name, "image-digest": imageDigest, "image-tag": imageTag };
      events.push(eventOf("ECR Image Action", at, { result: "SUCCESS", "action-type": "DELETE", ...detail }));
    },
  });
}

/**
 * By tag only the tag goes, and with the last one the image; by digest the image with all its tags. An image that a manifest list
 * holds stays, with its last tag (botocore 1.44, ImageFailureCode).
 *
 * @param forget takes a tag or a digest out of the registry
 * @param gone told of each image that is gone
 */
export async function deleteImages(
  call: Call,
  repository: ImageStore,
  done: { forget(reference: string): Promise<unknown>; gone?(digest: string, tag: string | undefined): void },
): Promise<object> {
  const { found, failures } = pick(repository, requireIds(call));
  const imageIds: object[] = [];
  for (const { image, imageTag } of found) {
    const id = { imageDigest: image.digest, imageTag };
    const goes = imageTag === undefined || [...image.tags].every((tag) => tag === imageTag);
    if (goes && [...repository.images.values()].some(({ holds }) => holds.includes(image.digest))) {
      const failureReason = "Requested image referenced by manifest list";
      failures.push({ imageId: id, failureCode: "ImageReferencedByManifestList", failureReason });
      continue;
    }
    imageIds.push(id);
    if (imageTag !== undefined) {
      image.tags.delete(imageTag);
      await done.forget(imageTag);
    }
    if (!goes || !repository.images.delete(image.digest)) continue;
    await done.forget(image.digest);
    done.gone?.(image.digest, imageTag);
  }
  return { imageIds, failures };
}

function requireIds(call: Call): readonly Input[] {
  const ids = call.input.records("imageIds");
  if (ids.length < 1 || ids.length > 100) {
    throw call.input.invalid(
      "Invalid parameter at 'imageIds' failed to satisfy constraint: 'Member must have length between 1 and 100'",
    );
  }
  return ids;
}

function pick({ images }: ImageStore, ids: readonly Input[]) {
  const found: { image: StoredImage; imageTag: string | undefined }[] = [];
  const failures: object[] = [];
  for (const id of ids) {
    const [imageDigest, imageTag] = [id.optionalText("imageDigest"), id.optionalText("imageTag")];
    const image = lookUp(images, imageDigest, imageTag);
    if (image !== undefined) found.push({ image, imageTag });
    else failures.push({ imageId: { imageDigest, imageTag }, ...failureOf(images, imageDigest, imageTag) });
  }
  return { found, failures };
}

function failureOf(images: Images, digest: string | undefined, tag: string | undefined) {
  const failure = (failureCode: string, failureReason: string) => ({ failureCode, failureReason });
  if (digest === undefined && tag === undefined) {
    return failure("MissingDigestAndTag", "Invalid request parameters: both tag and digest cannot be null");
  }
  if (digest !== undefined && !/^[0-9a-zA-Z_+.-]+:[0-9a-fA-F]+$/.test(digest)) {
    return failure("InvalidImageDigest", "Invalid request parameters: image digest should satisfy the regex");
  }
  if (digest !== undefined && tag !== undefined && images.has(digest)) {
    return failure("ImageTagDoesNotMatchDigest", "Requested image tag does not match the digest");
  }
  return failure("ImageNotFound", "Requested image not found");
}

function required(call: Call, repository: ImageStore, id: Input): StoredImage {
  const [digest, tag] = [id.optionalText("imageDigest"), id.optionalText("imageTag")];
  const image = lookUp(repository.images, digest, tag);
  if (image !== undefined) return image;
  throw call.error(
    "ImageNotFoundException",
    `The image with imageId {imageDigest:'${digest ?? "null"}', imageTag:'${tag ?? "null"}'} does not exist within the repository with name '${repository.name}' in the registry with id '${repository.registryId}'`,
  );
}

function lookUp(images: Images, digest: string | undefined, tag: string | undefined): StoredImage | undefined {
  const image = digest === undefined ? undefined : images.get(digest);
  if (digest !== undefined) return tag === undefined || image?.tags.has(tag) ? image : undefined;
  return tag === undefined ? undefined : tagged(images, tag);
}

function sorted({ images }: ImageStore): StoredImage[] {
  return [...images.values()].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

function keyOf({ pushedAt, digest }: StoredImage): string {
  return `${pushedAt.toISOString()} ${digest}`;
}
