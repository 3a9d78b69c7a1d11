import type { OperationName } from "../../core/operations.ts";

export interface Golden {
  /** Operations that the platform cannot do. Each entry promises that the refusal is tested; all others must work. */
  readonly unsupported: readonly OperationName[];
  /** Whether a repository that was never created is told from an empty one. */
  readonly tellsAbsence: boolean;
  /** Whether a push makes a repository that was never created. */
  readonly pushCreates: boolean;
  /** Whether anybody may read every repository by nature, so that credentials bound pushes only. */
  readonly publicPulls: boolean;
  /** What credentials open at most: the repository that they were asked for, or all of its registry. */
  readonly credentialScope: "repository" | "registry";
  /** Whether a lifetime can be asked for, is the platform's own, or does not end. */
  readonly lifetime: "asked" | "theirs" | "endless";
  /** The tag by which a repository without images is known to exist, if it has one. It lies in every repository that was created. */
  readonly ownTag?: string;
  /** Whether credentials to push delete images as well. */
  readonly pushDeletes?: boolean;
  /** Whether credentials to push can pull from further repositories without pushing there. Default: they can. */
  readonly pushAlsoPulls?: boolean;
  /** Whether credentials to push mount a layer whose digest they know from any repository, also from one that they may not read. */
  readonly mountsAnything?: boolean;
  /** Whether layers can be read after their image was deleted, until the registry sweeps them by itself. */
  readonly keepsLayers?: boolean;
  /** Whether `listImages` has images without a tag. Default: it has. */
  readonly listsUntagged?: boolean;
  /** Whether `deleteImage` deletes a tag alone. Default: it does. */
  readonly deletesTags?: boolean;
  /** Whether an image goes with its last tag. */
  readonly imageEndsWithTags?: boolean;
  /** Whether an image's URI is read as an id. It is not where only the platform tells whose the URI is. */
  readonly readsUri: boolean;
}

/** Of platforms on which consumers are not accounts of a cloud. */
const noConsumers = [
  "addCrossAccountAccess",
  "removeCrossAccountAccess",
  "getCrossAccountAccess",
  "listGranteeAccess",
  "removeGranteeAccess",
] as const;

const external = {
  unsupported: [...noConsumers, "revokeCredentials", "provisionRegistry", "deprovisionRegistry"],
  listsUntagged: false,
  tellsAbsence: true,
  pushCreates: true,
  publicPulls: false,
  readsUri: true,
  ownTag: "artifact-registry.repository",
} as const;

/** What each platform is known to be unable to do; its capabilities must say the same, no more and no less. */
export const golden = {
  local: {
    unsupported: noConsumers,
    tellsAbsence: true,
    pushCreates: true,
    publicPulls: false,
    credentialScope: "repository",
    lifetime: "asked",
    readsUri: true,
  },
  ecr: {
    unsupported: ["revokeCredentials"],
    imageEndsWithTags: true,
    tellsAbsence: true,
    pushCreates: false,
    publicPulls: false,
    credentialScope: "repository",
    lifetime: "asked",
    readsUri: true,
  },
  "ecr-public": {
    unsupported: [...noConsumers, "revokeCredentials", "provisionRegistry", "deprovisionRegistry"],
    imageEndsWithTags: true,
    tellsAbsence: true,
    pushCreates: false,
    publicPulls: true,
    credentialScope: "repository",
    lifetime: "asked",
    readsUri: true,
  },
  gar: {
    unsupported: ["revokeCredentials"],
    tellsAbsence: false,
    pushCreates: true,
    publicPulls: false,
    credentialScope: "registry",
    lifetime: "asked",
    readsUri: true,
  },
  acr: {
    unsupported: [...noConsumers, "revokeCredentials"],
    tellsAbsence: true,
    pushCreates: true,
    publicPulls: false,
    credentialScope: "repository",
    lifetime: "theirs",
    readsUri: true,
  },
  external: { ...external, credentialScope: "repository", lifetime: "theirs" },
  /** With a token server. zot asks for no right on the source of a mount there, but does with htpasswd. */
  "external-zot": { ...external, credentialScope: "repository", lifetime: "theirs", mountsAnything: true },
  /** With `pushMayDelete`. Quay deletes no layer by request, and who may push there may delete. */
  "external-quay": {
    ...external,
    credentialScope: "repository",
    lifetime: "theirs",
    pushDeletes: true,
    keepsLayers: true,
  },
  /** Harbor's tokens hold all that the account may do in each repository that was named, whatever was asked for. */
  "external-harbor": { ...external, credentialScope: "repository", lifetime: "theirs", pushAlsoPulls: false },
  /** With `staticCredentials`. */
  "external-static": { ...external, credentialScope: "registry", lifetime: "endless" },
} as const satisfies Record<string, Golden>;

export type PlatformName = keyof typeof golden;
