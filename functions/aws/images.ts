import { ArtifactRegistryError } from "../../core/errors.ts";
import { staleCursor } from "../../core/pages.ts";
import type { ImageReference } from "../../core/registry.ts";
import type { Image } from "../../core/registry-schemas.ts";

/** What ECR and ECR Public have in common about images and pages. */

/** An image as both services describe it; only ECR writes down when one was pulled. */
export interface ImageDetail {
  readonly imageDigest?: string | undefined;
  readonly imageTags?: readonly string[] | undefined;
  readonly imageSizeInBytes?: number | undefined;
  readonly imagePushedAt?: Date | undefined;
  readonly imageManifestMediaType?: string | undefined;
  readonly lastRecordedPullTime?: Date | undefined;
}

export function imageOf({ imageDigest: digest, imageTags, imageManifestMediaType, ...more }: ImageDetail): Image {
  if (digest === undefined) throw new ArtifactRegistryError("UNEXPECTED_RESPONSE_FORMAT", "An image has no digest.");
  const { imageSizeInBytes: sizeBytes, imagePushedAt: pushedAt, lastRecordedPullTime: lastPulledAt } = more;
  return {
    digest,
    tags: [...(imageTags ?? [])],
    ...(imageManifestMediaType !== undefined && { mediaType: imageManifestMediaType }),
    ...(sizeBytes !== undefined && { sizeBytes }),
    ...(pushedAt && { pushedAt: pushedAt.toISOString() }),
    ...(lastPulledAt && { lastPulledAt: lastPulledAt.toISOString() }),
  };
}

/** A page, unless the service no longer took the token that asked for it. */
export function ifTokenHolds<T>(page: T | "stale"): T {
  if (page === "stale") throw staleCursor("AWS no longer takes the page of this token.");
  return page;
}

/** What is deleted, as both services name it: by digest the image with all its tags, by tag the tag. */
export function identify(reference: ImageReference) {
  return "digest" in reference ? { imageDigest: reference.digest } : { imageTag: reference.tag };
}

interface Deleted {
  readonly failures?: readonly { readonly failureCode?: string | undefined }[] | undefined;
}

/**
 * Refuses where the image was not deleted although it is there.
 *
 * @param what names the request
 * @throws RESOURCE_CONFLICT for an image that an index holds
 */
export function refuseFailure({ failures: [failure] = [] }: Deleted, what: string): void {
  const code = failure?.failureCode;
  switch (code) {
    case undefined:
    case "ImageNotFound":
    // No image can have such a digest, or such a tag.
    case "InvalidImageDigest":
    case "InvalidImageTag":
      return;
    case "ImageReferencedByManifestList":
      throw new ArtifactRegistryError("RESOURCE_CONFLICT", "An index of the repository holds this image.", {
        hint: "Delete the index first: an image that it holds can be deleted when no index holds it any more.",
        context: { field: "reference" },
      });
    default:
      throw new ArtifactRegistryError("CLOUD_PLATFORM_ERROR", `${what} failed with ${code}.`);
  }
}
