import type { Call } from "./call.ts";
import type { Caller } from "./caller.ts";
import type { RoutableName } from "./names.ts";
import type { Capabilities, GranteeAccess, Image } from "./registry-schemas.ts";
import type {
  CrossAccountAccess,
  CrossAccountPermissions,
  Health,
  Permissions,
  RepositoryResponse,
  RevokedAccess,
} from "./schemas.ts";
import type { Secret } from "./secret.ts";

export type { Health };

/** Credentials within the suite. The password prints as `[redacted]` until the answer is written. */
export interface MintedCredentials {
  readonly authMethod: "basic" | "bearer";
  readonly username: string;
  readonly password: Secret;
  /** Only static accounts have no end. */
  readonly expiresAt?: Date;
  readonly scope: "repository" | "registry";
  /** Where they count, if a region was asked for. */
  readonly registryEndpoint?: string;
  /** The id of the request that they were minted for. Absent where it is the very request that they answer. */
  readonly credentialId?: string;
  /** Whether nobody has revoked them since. Present where they can be revoked. */
  stillCounts?(now: Date): Promise<boolean>;
}

/** What credentials are asked for. */
export interface CredentialRequest {
  readonly name: RoutableName;
  readonly permissions: Permissions;
  /** Repositories that the credentials pull from as well. Neither `name` nor any of them is there twice. */
  readonly alsoPull?: readonly RoutableName[] | undefined;
  /** Where they count, on platforms that mint by region. Absent means home. */
  readonly region?: string | undefined;
  /** The lifetime that the caller wishes, a positive whole number. Absent means the platform's default. */
  readonly ttlSeconds?: number | undefined;
  /** Names the credential in the audit log, and upstream where the platform has a place for it. */
  readonly credentialId?: string | undefined;
}

/** Which credentials to end. All that is given must fit; nothing given means all of the registry. */
export interface RevocationRequest {
  readonly name?: RoutableName | undefined;
  readonly permissions?: Permissions | undefined;
  /** Who got them. */
  readonly caller?: Caller | undefined;
  readonly credentialId?: string | undefined;
}

/** What a revocation ended: all that fits and was minted before `notBefore` is refused, for certain from `certainBy` on. */
export interface Revoked {
  readonly notBefore: Date;
  readonly certainBy: Date;
}

/**
 * One registry on one platform. Every adapter implements this interface. The functions that map names are pure and make no
 * call. All other functions reach the platform only through `call.upstream`, and throw `ArtifactRegistryError` and nothing
 * else. An adapter is a plain object without `this`, so that it can be decorated.
 */
export interface ArtifactRegistry {
  readonly service: string;
  readonly capabilities: Capabilities;
  /** The OCI repository path under which all repositories of this registry are. It may be empty. */
  readonly upstreamRepositoryPrefix: string;
  /** The same as clients write it, where something stands before it that only the platform knows. */
  upstreamPath?(call: Call): Promise<string>;

  /** @throws INVALID_INPUT when the name is hostile or ambiguous, or an image reference, a URL or a cloud's resource */
  routeName(logical: string): RoutableName;
  /**
   * Learns what `routeName` and `resolveId` must know of these texts and the binding does not tell, such as the account that a URI must name. It is
   * called before them, and makes no call for plain names. Absent where the binding tells everything.
   */
  learnForms?(ids: readonly string[], call: Call): Promise<void>;
  /** @throws INVALID_INPUT when the id lies outside the registry's own space */
  resolveId(repoId: string): RoutableName;

  /** The URL by which clients reach the registry. */
  registryEndpoint(call: Call): Promise<string>;

  /** Idempotent: an existing repository answers with its real `uri` and `createdAt`. */
  createRepository(name: RoutableName, call: Call): Promise<RepositoryResponse>;
  /** @throws RESOURCE_NOT_FOUND where the platform can tell */
  getRepository(name: RoutableName, call: Call): Promise<RepositoryResponse>;
  /** Deletes exactly this repository with all its images. Idempotent. */
  deleteRepository(name: RoutableName, call: Call): Promise<void>;
  /**
   * Lists the repositories of this registry and no others, in any order, page by page. One that exists from the first page to
   * the last is on exactly one of them, whatever comes and goes meanwhile. Absent where `capabilities.unsupported` says so.
   */
  listRepositories?(page: PageRequest, call: Call): Promise<Page<RepositoryResponse>>;
  /**
   * Lists the images of a repository, also those without a tag, likewise. Nothing that is our own, such as a marker, is among them.
   *
   * @throws RESOURCE_NOT_FOUND where the platform can tell
   */
  listImages?(name: RoutableName, page: PageRequest, call: Call): Promise<Page<Image>>;
  /**
   * Deletes an image with its tags, or one tag alone. Idempotent: what is not in this repository is no error. A tag that is moved
   * meanwhile takes nothing with it that the caller did not mean. What is our own, such as a marker, is refused.
   *
   * @throws RESOURCE_CONFLICT for an image that an index holds, where the platform refuses it
   */
  deleteImage?(name: RoutableName, reference: ImageReference, call: Call): Promise<void>;
  generateCredentials(request: CredentialRequest, call: Call): Promise<MintedCredentials>;
  /** Whether `generateCredentials` takes a region. */
  readonly mintsByRegion?: boolean;

  /** Ends credentials before their time. Idempotent. Absent where `capabilities.unsupported` says so. */
  revokeCredentials?(request: RevocationRequest, call: Call): Promise<Revoked>;
  /** Absent where `capabilities.unsupported` says so. */
  readonly crossAccount?: CrossAccountControl;
  /** Absent where `capabilities.unsupported` says so. */
  readonly provisioning?: Provisioning;

  health(call: Call): Promise<Health>;
}

/** What is asked of a list. */
export interface PageRequest {
  /** The `next` of the page before. Absent means the first page. */
  readonly cursor?: string | undefined;
  /** How many items are wanted at most, 1 to 1,000. A platform whose pages are smaller answers fewer. */
  readonly pageSize: number;
}

/** A part of a list. It may be short or empty, and the list still goes on. */
export interface Page<Item> {
  readonly items: readonly Item[];
  /**
   * Where the list goes on: anything up to 4,000 characters. The core seals it, so no caller sees or forges it. Absent on the
   * last page. A cursor that the platform no longer takes is `staleCursor()`.
   */
  readonly next?: string | undefined;
}

/** What `deleteImage` deletes: an image, or a tag alone. */
export type ImageReference = { readonly digest: string } | { readonly tag: string };

/** One consumer. An account or a project is all that belongs to it. */
export type Consumer =
  | { readonly type: "aws"; readonly accountId: string }
  | { readonly type: "aws"; readonly roleArn: string }
  | { readonly type: "gcp"; readonly projectNumber: string }
  | { readonly type: "gcp"; readonly serviceAccountEmail: string };

/** A repository from which a consumer's access was taken, and what the caller should know of that edit. */
export interface ConsumerRemoval extends RevokedAccess {
  readonly name: RoutableName;
  /** Whether the consumer had access. What had none is told only for its `unmanaged` or `leftOut`. */
  readonly changed: boolean;
}

/** Who else may pull from a repository. */
export interface CrossAccountControl {
  /**
   * Lists what a consumer may pull: an account with its roles and workers. Grants are read from the platform, not only from a
   * record. A page ends before the operation's time does. Absent where `capabilities.unsupported` says so.
   */
  listOf?(consumer: Consumer, page: PageRequest, call: Call): Promise<Page<GranteeAccess>>;
  /**
   * Ends a consumer's access, as far as a page reaches: an account takes its roles and workers with it. The removal is recorded
   * first, so that an older event cannot grant again. Idempotent, and safe to repeat from the start. Absent likewise.
   */
  removeAll?(consumer: Consumer, page: PageRequest, call: Call): Promise<Page<ConsumerRemoval>>;

  /** Grants in one edit what these values spell out, in addition to what is granted already: all of it or nothing. Idempotent. */
  add(name: RoutableName, accesses: readonly CrossAccountAccess[], call: Call): Promise<void>;
  /**
   * Revokes what `access` spells out. In doubt it revokes more. Idempotent.
   *
   * @returns what the caller should know: whom else the edit had to leave out, and who can still pull in other ways
   */
  remove(name: RoutableName, access: CrossAccountAccess, call: Call): Promise<RevokedAccess>;
  get(name: RoutableName, call: Call): Promise<CrossAccountPermissions>;
}

/** Makes and unmakes the registry itself. */
export interface Provisioning {
  /** Makes what is missing. @returns the binding under which the registry is reached */
  provision(options: ProvisionOptions, call: Call): Promise<Record<string, unknown>>;
  /** Removes what provisioning made. @throws RESOURCE_CONFLICT while there are images, unless it is told to delete them */
  deprovision(options: DeprovisionOptions, call: Call): Promise<void>;
}

export interface ProvisionOptions {
  readonly replicationRegions?: readonly string[];
}

export interface DeprovisionOptions {
  readonly deleteRepositories?: boolean;
}
