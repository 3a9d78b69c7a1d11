import { ArtifactRegistryError } from "../../core/errors.ts";
import { Secret } from "../../core/secret.ts";
import { environment } from "../binding.ts";
import type { Connection } from "../connection.ts";
import { tokenUser } from "../credential-helper/login.ts";
import type { ArtifactRegistryCredentials, Operations } from "../types.ts";
import { storeLogin } from "./docker/store-login.ts";

/** What `login` has done. Carries no password. */
export interface LoggedIn {
  readonly host: string;
  readonly username: string;
  readonly expiresAt?: string;
  /** Docker's configuration. */
  readonly file: string;
  /** The credential helper that holds the password; without one the file does. */
  readonly helper?: string;
}

/**
 * Mints credentials for one repository and stores them where Docker, podman and skopeo look.
 *
 * @throws OPERATION_NOT_SUPPORTED where the registry takes bearer tokens only, BINDING_CONFIG_INVALID for Docker's
 *   configuration
 */
export async function login(
  connection: Connection,
  input: Operations["generateCredentials"]["input"],
  signal: AbortSignal,
): Promise<LoggedIn> {
  const { registryEndpoint } = connection.facts ?? (await connection.call("describeRegistry", {}));
  if (!URL.canParse(registryEndpoint) || !/^https?:/i.test(registryEndpoint)) {
    throw new ArtifactRegistryError("UNEXPECTED_RESPONSE_FORMAT", "The registry's endpoint is no URL.");
  }
  const { host } = new URL(registryEndpoint);
  const credentials = await connection.call("generateCredentials", input);
  const username = await usernameFor(credentials, connection);
  const password = new Secret(credentials.password);
  const stored = await storeLogin({ host, username, password }, environment(), signal);
  return {
    host,
    username,
    ...(credentials.expiresAt !== undefined && { expiresAt: credentials.expiresAt }),
    ...stored,
  };
}

async function usernameFor({ authMethod, username }: ArtifactRegistryCredentials, connection: Connection) {
  if (authMethod === "basic") return username;
  const { service } = await connection.call("describeRegistry", {});
  if (service === "acr") return tokenUser;
  throw new ArtifactRegistryError(
    "OPERATION_NOT_SUPPORTED",
    "This registry takes bearer tokens, and Docker's login has none.",
    {
      hint: "Print the token with `alien-registry credentials`, for skopeo's --src-registry-token and --dest-registry-token.",
    },
  );
}
