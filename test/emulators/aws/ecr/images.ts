import type { Call } from "../call.ts";
import { eventOf } from "../events.ts";
import type { Input } from "../wire/input.ts";
import { paged } from "../wire/paging.ts";
import { authorizedRepository, registryOf } from "./authorize.ts";
import type { Repository, StoredImage } from "./state.ts";

export async function listImages(call: Call): Promise<object> {
  const repository = await authorizedRepository(call);
  const status = call.input.optionalRecord("filter")?.optionalText("tagStatus") ?? "ANY";
  const ids = sorted(repository).flatMap(({ digest, tags }) =>
    tags.size === 0 ? [{ imageDigest: digest }] : [...tags].map((imageTag) => ({ imageDigest: digest, imageTag })),
  );
  const wanted = ids.filter((id) => status === "ANY" || "imageTag" in id === (status === "TAGGED"));
  const { items, nextToken } = paged(call.input, wanted, 100, 1000);
  return { imageIds: items, nextToken };
}

export async function describeImages(call: Call): Promise<object> {
  const repository = await authorizedRepository(call);
  const ids = call.input.records("imageIds");
  const wanted = ids.length === 0 ? sorted(repository) : ids.map((id) => required(call, repository, id));
  const { items, nextToken } = paged(call.input, wanted, 100, 1000);
  const imageDetails = items.map((image) => ({
    registryId: repository.registryId,
    repositoryName: repository.name,
    imageDigest: image.digest,
    ...(image.tags.size === 0 ? {} : { imageTags: [...image.tags] }),
    imageSizeInBytes: image.size,
    imagePushedAt: image.pushedAt,
    imageManifestMediaType: image.mediaType,
    artifactMediaType: image.artifactMediaType,
  }));
  return { imageDetails, nextToken };
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

/** By tag only the tag goes, and with the last one the image; by digest the image with all its tags. */
export async function batchDeleteImage(call: Call): Promise<object> {
  const repository = await authorizedRepository(call);
  const { found, failures } = pick(repository, requireIds(call));
  const registry = registryOf(call);
  for (const { image, imageTag } of found) {
    if (imageTag !== undefined) {
      image.tags.delete(imageTag);
      await call.world.dataPlane?.deleteReference(registry, repository.name, imageTag);
      if (image.tags.size > 0) continue;
    }
    if (!repository.images.delete(image.digest)) continue;
    await call.world.dataPlane?.deleteReference(registry, repository.name, image.digest);
    const at = { account: registry.account, region: registry.region, time: call.world.clock() };
    const detail = { "repository-name": repository.name, "image-digest": image.digest, "image-tag": imageTag };
    call.world.events.push(eventOf("ECR Image Action", at, { result: "SUCCESS", "action-type": "DELETE", ...detail }));
  }
  const imageIds = found.map(({ image, imageTag }) => ({ imageDigest: image.digest, imageTag }));
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

function pick(repository: Repository, ids: readonly Input[]) {
  const found: { image: StoredImage; imageTag: string | undefined }[] = [];
  const failures: object[] = [];
  for (const id of ids) {
    const [imageDigest, imageTag] = [id.optionalText("imageDigest"), id.optionalText("imageTag")];
    const image = lookUp(repository, imageDigest, imageTag);
    if (image !== undefined) found.push({ image, imageTag });
    else {
      failures.push({
        imageId: { imageDigest, imageTag },
        failureCode: imageDigest === undefined && imageTag === undefined ? "MissingDigestAndTag" : "ImageNotFound",
        failureReason: "Requested image not found",
      });
    }
  }
  return { found, failures };
}

function required(call: Call, repository: Repository, id: Input): StoredImage {
  const [digest, tag] = [id.optionalText("imageDigest"), id.optionalText("imageTag")];
  const image = lookUp(repository, digest, tag);
  if (image !== undefined) return image;
  throw call.error(
    "ImageNotFoundException",
    `The image with imageId {imageDigest:'${digest ?? "null"}', imageTag:'${tag ?? "null"}'} does not exist within the repository with name '${repository.name}' in the registry with id '${repository.registryId}'`,
  );
}

function lookUp({ images }: Repository, digest: string | undefined, tag: string | undefined): StoredImage | undefined {
  const image = digest === undefined ? undefined : images.get(digest);
  if (digest !== undefined) return tag === undefined || image?.tags.has(tag) ? image : undefined;
  return tag === undefined ? undefined : [...images.values()].find(({ tags }) => tags.has(tag));
}

function sorted({ images }: Repository): StoredImage[] {
  return [...images.values()].sort((a, b) => a.pushedAt.getTime() - b.pushedAt.getTime());
}
