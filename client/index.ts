/** The package's entry: `artifactRegistry()` uses a registry, `ArtifactRegistry` declares one. */
export { artifactRegistry, type CredentialOptions, type ListOptions, type Registry } from "./artifact-registry.ts";
export type { Token } from "./auth/authenticator.ts";
export type { AuthOptions, FunctionBinding, PlatformName } from "./binding.ts";
export { type Connection, type ConnectOptions, connect, type RegistryFacts } from "./connection.ts";
export { ArtifactRegistryError, type ErrorCode } from "./errors.ts";
export type { CallOptions } from "./http.ts";
export { ArtifactRegistry, type RegistryDefinition } from "./stack.ts";
export type {
  ArtifactRegistryCredentials,
  AwsAccess,
  Backfill,
  CrossAccountAccess,
  CrossAccountPermissions,
  GcpAccess,
  GranteeAccess,
  Image,
  OperationName,
  Operations,
  Permissions,
  RegistryDescription,
  RemovedGrantee,
  RepositoryResponse,
  RevokedAccess,
  RevokedCredentials,
  Unmanaged,
  WhichCredentials,
} from "./types.ts";
