/**
 * The types that callers write against, spelled out so that they read as the API reference does. The schemas of the
 * core are their twins; a type test holds the two together.
 */

export interface RepositoryResponse {
  /** Routable name: pass it to every other operation. */
  name: string;
  /** Image URI without tag; absent while the repository is created. */
  uri?: string;
  /** ISO 8601, UTC. */
  createdAt?: string;
}

export interface ArtifactRegistryCredentials {
  /** How to present them to the registry. */
  authMethod: "basic" | "bearer";
  /** Empty for bearer. */
  username: string;
  /** Password (basic) or token (bearer). */
  password: string;
  /** ISO 8601, UTC: until then they are promised to work. Absent for static accounts. */
  expiresAt?: string;
  /** The narrowest scope that the platform enforced. */
  scope: "repository" | "registry";
}

export type Permissions = "pull" | "push-pull";

export interface AwsAccess {
  type: "aws";
  /** 12 digits each. */
  accountIds: string[];
  /** Regions of the consumers' functions; none means any. */
  regions: string[];
  roleArns: string[];
  allowedServiceTypes: "worker"[];
}

export interface GcpAccess {
  type: "gcp";
  projectNumbers: string[];
  serviceAccountEmails: string[];
  allowedServiceTypes: "worker"[];
}

export type CrossAccountAccess = AwsAccess | GcpAccess;

export interface CrossAccountPermissions {
  /** The union of all grants. */
  access: CrossAccountAccess;
  /** The exact state: these values, added one by one, give it. */
  grants: CrossAccountAccess[];
  /** `registry` where a grant acts for every repository. */
  scope?: "repository" | "registry";
  /** Sids of statements that others wrote. */
  unmanaged?: string[];
  /** ISO 8601, UTC. */
  lastUpdated?: string;
}

export interface Finding {
  message: string;
  hint?: string;
}

export interface RegistryDescription {
  /** Kind of the backing registry, as `ecr`. */
  service: string;
  /** URL of the registry, as image clients reach it. */
  registryEndpoint: string;
  /** Path under which all its repositories live; may be empty. */
  upstreamRepositoryPrefix: string;
  capabilities: {
    credentials: {
      authMethod: "basic" | "bearer";
      scope: "repository" | "registry";
      ttlSeconds?: { min: number; max: number; default: number };
    };
    /** Whether the platform can tell a repository that was never created from one that is empty. */
    tellsAbsence: boolean;
    crossAccountAccess?: "aws" | "gcp";
    crossAccountScope?: "repository" | "registry";
    /** What the platform cannot do: the reason and the platform's own way, by operation. */
    unsupported: Record<string, { reason: string; hint: string }>;
  };
  health: { status: "healthy" | "degraded" | "unhealthy"; findings: Finding[] };
}

/** What each operation takes beside `registry`, and answers. */
export interface Operations {
  createRepository: { input: { name: string }; output: RepositoryResponse };
  getRepository: { input: { repoId: string }; output: RepositoryResponse };
  // biome-ignore lint/complexity/noBannedTypes: an answer without a field.
  deleteRepository: { input: { repoId: string }; output: {} };
  generateCredentials: {
    input: { repoId: string; permissions: Permissions; ttlSeconds?: number | undefined };
    output: ArtifactRegistryCredentials;
  };
  // biome-ignore lint/complexity/noBannedTypes: an answer without a field.
  addCrossAccountAccess: { input: { repoId: string; access: CrossAccountAccess }; output: {} };
  // biome-ignore lint/complexity/noBannedTypes: an answer without a field.
  removeCrossAccountAccess: { input: { repoId: string; access: CrossAccountAccess }; output: {} };
  getCrossAccountAccess: { input: { repoId: string }; output: CrossAccountPermissions };
  setupRepository: {
    input: { name: string; access?: CrossAccountAccess[] | undefined };
    output: RepositoryResponse;
  };
  provisionRegistry: {
    input: { replicationRegions?: string[] | undefined };
    output: { binding: Record<string, unknown> };
  };
  // biome-ignore lint/complexity/noBannedTypes: nothing beside the registry.
  describeRegistry: { input: {}; output: RegistryDescription };
  // biome-ignore lint/complexity/noBannedTypes: an answer without a field.
  deprovisionRegistry: { input: { deleteRepositories?: boolean | undefined }; output: {} };
}

export type OperationName = keyof Operations;
