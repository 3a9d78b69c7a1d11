import type { ContentKind } from "../http/routes.ts";
import { getBlob, headBlob, removeBlob } from "./blobs.ts";
import type { Handler } from "./call.ts";
import { getReferrers, getTags } from "./listings.ts";
import { deleteManifest, getManifest, putManifest } from "./manifests.ts";
import { getRepository, removeRepository } from "./repository.ts";
import { cancelUpload, continueUpload, describeUpload, finishUpload, startUpload } from "./uploads.ts";

export interface Operation {
  /** What the caller must be allowed to do in the repository. */
  readonly action: "pull" | "push" | "delete";
  readonly handle: Handler;
}

/** Every operation on a repository: what it is called, what it takes, and who does it. */
export const operations: Readonly<Record<ContentKind, Readonly<Record<string, Operation>>>> = {
  blob: {
    GET: { action: "pull", handle: getBlob },
    HEAD: { action: "pull", handle: headBlob },
    DELETE: { action: "delete", handle: removeBlob },
  },
  uploads: { POST: { action: "push", handle: startUpload } },
  upload: {
    GET: { action: "push", handle: describeUpload },
    HEAD: { action: "push", handle: describeUpload },
    PATCH: { action: "push", handle: continueUpload },
    PUT: { action: "push", handle: finishUpload },
    DELETE: { action: "push", handle: cancelUpload },
  },
  manifest: {
    GET: { action: "pull", handle: getManifest },
    HEAD: { action: "pull", handle: getManifest },
    PUT: { action: "push", handle: putManifest },
    DELETE: { action: "delete", handle: deleteManifest },
  },
  tags: { GET: { action: "pull", handle: getTags }, HEAD: { action: "pull", handle: getTags } },
  referrers: { GET: { action: "pull", handle: getReferrers }, HEAD: { action: "pull", handle: getReferrers } },
  repository: {
    GET: { action: "pull", handle: getRepository },
    HEAD: { action: "pull", handle: getRepository },
    DELETE: { action: "delete", handle: removeRepository },
  },
};
