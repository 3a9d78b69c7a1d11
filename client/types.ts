/**
 * The types that callers write against. They repeat the core's schemas so that they read like an API reference; a type
 * test checks that both agree.
 */

/** A repository. */
export interface RepositoryResponse {
  /** Routable name, which every other operation takes as `repoId`. */
  name: string;
  /** Image URI without a tag. Absent while the platform is still creating the repository. */
  uri?: string;
  /** ISO 8601, UTC. Absent where the platform does not say it. */
  createdAt?: string;
}

/** Short-lived credentials for one repository, and for pulls from those of `alsoPull`. */
export interface ArtifactRegistryCredentials {
  /** The registry in which they count, if a region was asked for. */
  registryEndpoint?: string;
  /** How to present them to the registry. */
  authMethod: "basic" | "bearer";
  /** Empty for bearer. */
  username: string;
  /** Password (basic) or token (bearer). */
  password: string;
  /** ISO 8601, UTC. The credentials work until then at least. Absent for static accounts. */
  expiresAt?: string;
  /** What the platform lets the credentials reach. */
  scope: "repository" | "registry";
  /** Names the credentials in the audit log. No secret. Absent where the function is of an earlier version. */
  credentialId?: string;
}

/** What credentials allow. */
export type Permissions = "pull" | "push-pull";

/** Which credentials to end. All that is given must fit; nothing given means all of the registry. */
export interface WhichCredentials {
  repoId?: string | undefined;
  permissions?: Permissions | undefined;
  /** Who got them, as the audit log names the caller. */
  caller?: { issuer: string; subject: string } | undefined;
  /** The one credential that had this `credentialId`. */
  credentialId?: string | undefined;
}

/** What a revocation ended. */
export interface RevokedCredentials {
  /** ISO 8601, UTC. What was minted before is refused. */
  notBefore: string;
  /** ISO 8601, UTC. From then on it is refused everywhere. */
  certainBy: string;
}

/** Consumers on AWS. */
export interface AwsAccess {
  type: "aws";
  /** 12 digits each. */
  accountIds: string[];
  /** Regions of the consumers' functions; an empty list means any region. */
  regions: string[];
  roleArns: string[];
  allowedServiceTypes: "worker"[];
}

/** Consumers on Google Cloud. */
export interface GcpAccess {
  type: "gcp";
  /** Projects whose Cloud Run service agents may pull, if `worker` is among the service types. */
  projectNumbers: string[];
  /** Accounts that may pull. Cloud Run refuses a deployment whose account may not read the image: name it here. */
  serviceAccountEmails: string[];
  allowedServiceTypes: "worker"[];
}

/** Consumers that may pull, or shall no longer pull. */
export type CrossAccountAccess = AwsAccess | GcpAccess;

/** Access that something of somebody else's gives, which no operation touches. */
export interface Unmanaged {
  /** The statement's Sid, or its place, as `statement 3`, where it has none; the role of a binding on Google Cloud. */
  statement: string;
  /** The replica region whose policy has it. Absent for home. */
  region?: string;
  /** Whom it lets in, as the policy names them; `*` is everybody. */
  principals: string[];
  /** What it allows, as the policy names it. */
  actions: string[];
  /** Whether it holds only under a condition, which the policy tells. */
  conditional: boolean;
  /** It says what these fields cannot, as NotPrincipal. It may allow less. */
  unreadable?: true;
}

/** What to know after a revocation. Mostly there is nothing. */
export interface RevokedAccess {
  /** Accounts and roles that had access as well, but that AWS refuses: their region's policy no longer names them. */
  leftOut?: { principal: string; region: string }[];
  /** Statements that others wrote, and that still let somebody in who was revoked. */
  unmanaged?: Unmanaged[];
}

/** What a replica region lacked, and what became of it. */
export interface Backfill {
  region: string;
  images: number;
  /** A layer that several images share counts each time. */
  sizeBytes: number;
  /** `complete`: nothing was lacking. `running`: an earlier one is under way. `waiting`: call again later. */
  state: "complete" | "started" | "running" | "waiting";
  /** Prefixes of others' rules to this region: what they match is copied too, and not counted here. */
  others?: string[];
}

/** Who else may pull. */
export interface CrossAccountPermissions {
  /** The union of all grants. */
  access: CrossAccountAccess;
  /** The exact state: adding these values one by one gives it. */
  grants: CrossAccountAccess[];
  /** `registry` where a grant is for every repository of the registry. */
  scope?: "repository" | "registry";
  /** Statements that others wrote, and that let somebody pull. */
  unmanaged?: Unmanaged[];
  /** ISO 8601, UTC: when access was last edited, where that is recorded. */
  lastUpdated?: string;
}

/** An image of a repository. */
export interface Image {
  digest: string;
  tags: string[];
  mediaType?: string;
  /** Of the manifest and its layers, as the platform counts. */
  sizeBytes?: number;
  /** ISO 8601, UTC. */
  pushedAt?: string;
  /** ISO 8601, UTC. Absent where the platform does not say it, and for what was never pulled. */
  lastPulledAt?: string;
}

/** What one consumer may pull from one repository. */
export interface GranteeAccess {
  /** Routable name; the registry's own prefix where grants are for the whole registry. */
  repoId: string;
  /** Adding these values one by one gives the consumer what it has. */
  grants: CrossAccountAccess[];
}

/** One page of a consumer's end. */
export interface RemovedGrantee {
  /** The repositories that let the consumer in before. */
  changed: string[];
  /** Accounts and roles that had access as well, but that AWS refuses. */
  leftOut?: { repoId: string; principal: string; region: string }[];
  /** Statements that others wrote, and that still let the consumer in. */
  unmanaged?: ({ repoId: string } & Unmanaged)[];
  /** There is more to do: ask again with this `pageToken`. */
  nextPageToken?: string;
}

/** Something about a registry that is not as it should be. */
export interface Finding {
  message: string;
  hint?: string;
}

/** What a registry is, what it can do, and how it is. */
export interface RegistryDescription {
  /** Kind of the backing registry, such as `ecr`. */
  service: string;
  /** URL at which image clients reach the registry. */
  registryEndpoint: string;
  /** Path under which all repositories of the registry live; may be empty. */
  upstreamRepositoryPrefix: string;
  capabilities: {
    credentials: {
      authMethod: "basic" | "bearer";
      scope: "repository" | "registry";
      ttlSeconds?: { min: number; max: number; default: number };
      /** Whether credentials to push may delete images of the repository as well. */
      pushMayDelete?: boolean;
    };
    /** Whether the platform can tell a repository that was never created from one that is empty. */
    tellsAbsence: boolean;
    crossAccountAccess?: "aws" | "gcp";
    crossAccountScope?: "repository" | "registry";
    /** Whether lists go on beyond their first page. Absent where the function is of an earlier version. */
    paging?: boolean;
    /** By operation that the platform cannot do: the reason, and the platform's own way. */
    unsupported: Record<string, { reason: string; hint: string }>;
  };
  health: { status: "healthy" | "degraded" | "unhealthy"; findings: Finding[] };
}

/** Which page of a list. */
interface Paging {
  /** The `nextPageToken` of the page before. */
  pageToken?: string | undefined;
  /** 1 to 1,000. Default 100. A page may be shorter, or empty, and still have a `nextPageToken`. */
  pageSize?: number | undefined;
}

/** What each operation takes beside `registry`, and what it returns. */
export interface Operations {
  createRepository: { input: { name: string }; output: RepositoryResponse };
  getRepository: { input: { repoId: string }; output: RepositoryResponse };
  // biome-ignore lint/complexity/noBannedTypes: an answer without a field.
  deleteRepository: { input: { repoId: string }; output: {} };
  listRepositories: { input: Paging; output: { repositories: RepositoryResponse[]; nextPageToken?: string } };
  listImages: { input: { repoId: string } & Paging; output: { images: Image[]; nextPageToken?: string } };
  // biome-ignore lint/complexity/noBannedTypes: an answer without a field.
  deleteImage: { input: { repoId: string; reference: string }; output: {} };
  listGranteeAccess: {
    input: { grantee: string; pageToken?: string | undefined };
    output: { repositories: GranteeAccess[]; nextPageToken?: string };
  };
  removeGranteeAccess: { input: { grantee: string; pageToken?: string | undefined }; output: RemovedGrantee };
  generateCredentials: {
    input: {
      repoId: string;
      permissions: Permissions;
      ttlSeconds?: number | undefined;
      /** Further repositories to pull from, at most 10. */
      alsoPull?: readonly string[] | undefined;
      /** A replica region to pull from, where tokens are regional. */
      region?: string | undefined;
    };
    output: ArtifactRegistryCredentials;
  };
  revokeCredentials: { input: WhichCredentials; output: RevokedCredentials };
  // biome-ignore lint/complexity/noBannedTypes: an answer without a field.
  addCrossAccountAccess: { input: { repoId: string; access: CrossAccountAccess }; output: {} };
  removeCrossAccountAccess: { input: { repoId: string; access: CrossAccountAccess }; output: RevokedAccess };
  getCrossAccountAccess: { input: { repoId: string }; output: CrossAccountPermissions };
  setupRepository: {
    input: { name: string; access?: CrossAccountAccess[] | undefined };
    output: RepositoryResponse;
  };
  provisionRegistry: {
    input: { replicationRegions?: string[] | undefined; backfill?: boolean | undefined };
    output: { binding: Record<string, unknown>; backfills?: Backfill[] };
  };
  // biome-ignore lint/complexity/noBannedTypes: nothing beside the registry.
  describeRegistry: { input: {}; output: RegistryDescription };
  // biome-ignore lint/complexity/noBannedTypes: an answer without a field.
  deprovisionRegistry: { input: { deleteRepositories?: boolean | undefined }; output: {} };
}

/** The name of an operation, such as `createRepository`. */
export type OperationName = keyof Operations;
