import { ArtifactRegistryError } from "../../core/errors.ts";
import { Secret } from "../../core/secret.ts";
import type { Environment } from "../binding.ts";
import type { Connection } from "../connection.ts";
import { acrTokenUser } from "../credential-helper/login.ts";
import type { ArtifactRegistryCredentials, Operations } from "../types.ts";
import { registryUrl } from "./connecting.ts";
import { storeLogin } from "./docker/store-login.ts";

/** Where `login` has stored credentials. Holds no password. */
export interface LoggedIn {
  readonly host: string;
  readonly username: string;
  readonly expiresAt?: string;
  /** Docker's configuration file. */
  readonly file: string;
  /** The credential helper that keeps the password. Without one the file holds it. */
  readonly helper?: string;
}

/**
 * Mints credentials for one repository and stores them where Docker, podman and skopeo look.
 *
 * @throws OPERATION_NOT_SUPPORTED when the registry takes bearer tokens only, BINDING_CONFIG_INVALID when Docker's
 *   configuration cannot be used
 */
export async function login(
  connection: Connection,
  input: Operations["generateCredentials"]["input"],
  { env, signal }: { readonly env: Environment; readonly signal: AbortSignal },
): Promise<LoggedIn> {
  const credentials = await connection.call("generateCredentials", input);
  const { host } = await registryUrl(connection, credentials);
  const username = await usernameFor(credentials, connection);
  const password = new Secret(credentials.password);
  const stored = await storeLogin({ host, username, password }, env, signal);
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
  if (service === "acr") return acrTokenUser;
  throw new ArtifactRegistryError(
    "OPERATION_NOT_SUPPORTED",
    "This registry takes bearer tokens, which Docker cannot log in with.",
    {
      hint: "Print the token with `alien-registry credentials`, for skopeo's --src-registry-token and --dest-registry-token.",
    },
  );
}
