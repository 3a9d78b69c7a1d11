import * as v from "valibot";
import { authMethod, crossAccountAccess, scope, timestamp } from "./schemas.ts";

/** Values about a registry as a whole. They are not among the others because the credential helper loads all of those. */

export const capabilities = v.strictObject({
  credentials: v.strictObject({
    authMethod,
    scope,
    ttlSeconds: v.optional(v.strictObject({ min: v.number(), max: v.number(), default: v.number() })),
    /** Whether credentials to push may delete images of the repository as well. Absent means that they do not. */
    pushMayDelete: v.optional(v.boolean()),
  }),
  /** Whether the platform can tell a repository that was never created from one that is empty. */
  tellsAbsence: v.boolean(),
  crossAccountAccess: v.optional(v.picklist(["aws", "gcp"])),
  crossAccountScope: v.optional(scope),
  /** Whether lists go on beyond their first page: they do where the function has ALIEN_PAGE_KEY. */
  paging: v.optional(v.boolean()),
  /** The operations that the platform cannot do, each with the reason, and how to do it on that platform. */
  unsupported: v.record(v.string(), v.strictObject({ reason: v.string(), hint: v.string() })),
});

export const pageToken = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9_-]{1,8192}$/, "must be a nextPageToken as it was answered"),
  v.description(
    "The nextPageToken of the page before: for this list, this caller and an hour. Only its absence ends a list.",
  ),
);

export const image = v.strictObject({
  digest: v.pipe(v.string(), v.description("Digest of the manifest.")),
  tags: v.array(v.string()),
  mediaType: v.optional(v.pipe(v.string(), v.description("Media type of the manifest."))),
  sizeBytes: v.optional(
    v.pipe(v.number(), v.integer(), v.description("Of the manifest and its layers, as the platform counts.")),
  ),
  pushedAt: v.optional(timestamp),
  lastPulledAt: v.optional(timestamp),
});

/** What one consumer may pull. */
export const granteeAccess = v.strictObject({
  repoId: v.pipe(
    v.string(),
    v.description("Routable name; the registry's own prefix where grants are the registry's."),
  ),
  grants: v.pipe(v.array(crossAccountAccess), v.description("The consumer's grants: values that give them.")),
});

export type Capabilities = v.InferOutput<typeof capabilities>;
export type Image = v.InferOutput<typeof image>;
export type GranteeAccess = v.InferOutput<typeof granteeAccess>;
