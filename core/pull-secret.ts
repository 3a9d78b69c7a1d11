import { acrTokenUser, isAcrHost } from "./acr-login.ts";
import { Secret } from "./secret.ts";

/** Credentials to pull one repository, as a node of a Kubernetes cluster uses them. */
export interface PullCredentials {
  /** The image URI without a tag, as `registry.example/images/my-app`, that the credentials are for. */
  readonly uri: string;
  readonly username: string;
  readonly password: Secret;
}

/**
 * How a node logs in with what `generateCredentials` answered. It can send a user name and a password, and nothing else.
 *
 * @param uri of the repository, as `example.azurecr.io/images/my-app`
 * @returns undefined for a bearer that no user name stands for
 */
export function nodeLogin(
  uri: string,
  { authMethod, username, password }: { authMethod: "basic" | "bearer"; username: string; password: string },
): PullCredentials | undefined {
  const [host = ""] = uri.split("/");
  if (authMethod === "bearer" && !isAcrHost(host)) return undefined;
  return { uri, username: authMethod === "bearer" ? acrTokenUser : username, password: new Secret(password) };
}

/** The type of a Secret that `imagePullSecrets` may name. */
export const pullSecretType = "kubernetes.io/dockerconfigjson";
/** The one key in the data of such a Secret. */
export const pullSecretKey = ".dockerconfigjson";
/** The label that tells our Secrets from those that somebody made by hand. */
export const pullSecretLabel = "artifact-registry.alien.dev/pull-secret";
/** The annotation that tells when the first of the credentials in a Secret ends. ISO 8601, UTC. */
export const expiresAtAnnotation = "artifact-registry.alien.dev/expires-at";

/** The annotation that tells of each entry of a Secret which repository it is for, and when it ends: JSON, by the entry's key. */
export const entriesAnnotation = "artifact-registry.alien.dev/entries";

/**
 * Writes the content of a `kubernetes.io/dockerconfigjson` Secret, in base64. Each entry stands under its repository, not under
 * the host, so that a node offers it for the images of that repository and for no others (Kubernetes, "Images":
 * interpretation of config.json).
 *
 * @param kept entries that stay as they are, by their keys
 */
export function dockerConfigJson(
  entries: readonly PullCredentials[],
  kept: Readonly<Record<string, unknown>> = {},
): Secret {
  const fresh = Object.fromEntries(
    entries.map(({ uri, username, password }) => {
      const pair = Buffer.from(`${username}:${password.reveal()}`, "utf8").toString("base64");
      return [uri, { username, password: password.reveal(), auth: pair }];
    }),
  );
  return new Secret(Buffer.from(JSON.stringify({ auths: { ...kept, ...fresh } }), "utf8").toString("base64"));
}

/** What a Secret for pulls is called, and until when it is of use. */
export interface PullSecretMetadata {
  readonly name: string;
  readonly namespace?: string | undefined;
  /** Absent where the credentials do not end. */
  readonly expiresAt?: Date | undefined;
}

/**
 * Makes a manifest for `kubectl apply`. It holds the passwords in the clear, since base64 hides nothing. So write it only where
 * the credentials themselves may be written.
 *
 * @example
 * const uri = "registry.example/images/my-app";
 * const manifest = pullSecretManifest({ name: "registry-pull", expiresAt }, [{ uri, username, password }]);
 */
export function pullSecretManifest(
  { name, namespace, expiresAt }: PullSecretMetadata,
  entries: readonly PullCredentials[],
) {
  return {
    apiVersion: "v1",
    kind: "Secret",
    type: pullSecretType,
    metadata: {
      name,
      ...(namespace !== undefined && { namespace }),
      labels: { [pullSecretLabel]: "true" },
      ...(expiresAt && { annotations: { [expiresAtAnnotation]: expiresAt.toISOString() } }),
    },
    data: { [pullSecretKey]: dockerConfigJson(entries).reveal() },
  };
}
