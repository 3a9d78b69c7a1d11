import { type Connection, type ConnectOptions, connect, type RegistryFacts } from "./connection.ts";
import type { CallOptions } from "./http.ts";
import type {
  ArtifactRegistryCredentials,
  CrossAccountAccess,
  CrossAccountPermissions,
  GranteeAccess,
  Image,
  OperationName,
  Permissions,
  RemovedGrantee,
  RepositoryResponse,
  RevokedAccess,
  RevokedCredentials,
  WhichCredentials,
} from "./types.ts";

/** Limits of one call, and what the credentials open beside their repository. */
export interface CredentialOptions extends CallOptions {
  /**
   * Further repositories of the registry that the credentials pull from, at most 10; fewer on Amazon ECR if their names are
   * long. The caller's rules must allow `pull` on each.
   */
  readonly alsoPull?: readonly string[] | undefined;
  /** On Amazon ECR, the replica region to pull from. Tokens are regional, and nobody pushes to a replica. Absent means home. */
  readonly region?: string | undefined;
}

/** Limits of each call, and how much it asks for. */
export interface ListOptions extends CallOptions {
  /** How many items one call asks for, 1 to 1,000. Default: 100. */
  readonly pageSize?: number | undefined;
}

/**
 * The operations of one registry. Every method rejects with an `ArtifactRegistryError`, or with the reason of the
 * caller's own signal if that signal ended the call.
 */
export interface Registry extends RegistryFacts {
  /**
   * Creates a repository. Idempotent: a repository that exists already is returned as it is.
   *
   * @param name logical name, 1 to 256 characters; the answer's `name` is what the other methods take
   * @example
   * const { name, uri } = await registry.createRepository("my-app");
   */
  createRepository(name: string, options?: CallOptions): Promise<RepositoryResponse>;
  /**
   * Returns a repository.
   *
   * @throws RESOURCE_NOT_FOUND when the platform can tell that there is no such repository
   */
  getRepository(repoId: string, options?: CallOptions): Promise<RepositoryResponse>;
  /** Deletes this repository, and no other, with all its images. Idempotent. */
  deleteRepository(repoId: string, options?: CallOptions): Promise<void>;
  /**
   * Goes through the repositories, as far as the caller's rules for `listRepositories` cover them, page by page.
   *
   * @example
   * for await (const repository of registry.repositories()) console.log(repository.name);
   */
  repositories(options?: ListOptions): AsyncIterable<RepositoryResponse>;
  /**
   * Goes through the images of a repository, also those without a tag where the platform knows them.
   *
   * @throws RESOURCE_NOT_FOUND when the platform can tell that there is no such repository
   */
  images(repoId: string, options?: ListOptions): AsyncIterable<Image>;
  /**
   * Deletes an image with its tags, or one tag alone. Idempotent. Amazon ECR removes an image with its last tag.
   *
   * @param reference a digest, or a tag
   * @throws OPERATION_NOT_SUPPORTED for a tag, where the registry deletes by digest alone
   */
  deleteImage(repoId: string, reference: string, options?: CallOptions): Promise<void>;
  /**
   * Mints credentials for one repository and one permission.
   *
   * @param ttlSeconds the lifetime that you want, in seconds. It is raised or capped to what the platform allows;
   *   `expiresAt` says how long the credentials are good for
   * @param options `alsoPull` names further repositories of the registry that the credentials pull from,
   *   `region` a replica region
   * @example
   * const { username, password } = await registry.generateCredentials(name, "pull", 900);
   *
   * @example
   * // For a build that starts from one repository and pushes to another:
   * await registry.generateCredentials("my-app", "push-pull", 900, { alsoPull: ["base"] });
   */
  generateCredentials(
    repoId: string,
    permissions: Permissions,
    ttlSeconds?: number,
    options?: CredentialOptions,
  ): Promise<ArtifactRegistryCredentials>;
  /**
   * Ends credentials before their time, where the registry checks them by itself. Idempotent.
   *
   * @param which all fields that are given must fit; without any, every credential of the registry ends
   * @throws OPERATION_NOT_SUPPORTED where a cloud checks them. The hint says how to end them there
   * @example
   * await registry.revokeCredentials({ credentialId: credentials.credentialId });
   */
  revokeCredentials(which?: WhichCredentials, options?: CallOptions): Promise<RevokedCredentials>;
  /**
   * Lets the consumers that `access` names pull, beside those that may pull already. Idempotent.
   *
   * @example
   * await registry.addCrossAccountAccess(name, {
   *   type: "aws",
   *   accountIds: ["111122223333"],
   *   regions: [],
   *   roleArns: [],
   *   allowedServiceTypes: ["worker"],
   * });
   */
  addCrossAccountAccess(repoId: string, access: CrossAccountAccess, options?: CallOptions): Promise<void>;
  /**
   * Revokes what `access` names; where a grant cannot be split, it revokes more rather than less. Idempotent.
   *
   * @returns mostly nothing: `unmanaged` is there where a statement of somebody else's still lets one of them in, and
   *   `leftOut` where AWS refused somebody else, who then had to go as well
   * @example
   * const { unmanaged = [] } = await registry.removeCrossAccountAccess(name, access);
   * for (const { statement } of unmanaged) console.warn(`${statement} still lets them in`);
   */
  removeCrossAccountAccess(repoId: string, access: CrossAccountAccess, options?: CallOptions): Promise<RevokedAccess>;
  /** Reads who else may pull. */
  getCrossAccountAccess(repoId: string, options?: CallOptions): Promise<CrossAccountPermissions>;
  /**
   * Goes through what one consumer may pull.
   *
   * @param grantee as access rules name it, such as `aws:123456789012`: an account with its roles and workers
   */
  granteeAccess(grantee: string, options?: CallOptions): AsyncIterable<GranteeAccess>;
  /**
   * Ends a consumer's access everywhere, page by page: nothing is done before the first page is asked for, and all of it is done when
   * there are no more. Idempotent, and safe to repeat from the start.
   *
   * @example
   * for await (const { changed } of registry.removeGranteeAccess("aws:123456789012")) console.log(changed);
   */
  removeGranteeAccess(grantee: string, options?: CallOptions): AsyncIterable<RemovedGrantee>;
  /** Creates the repository and then adds all accesses in one edit. Idempotent. */
  setupRepository(name: string, access?: CrossAccountAccess[], options?: CallOptions): Promise<RepositoryResponse>;
}

/**
 * Opens a registry by the name that its stack gave it. Where the binding does not say the registry's endpoint, this
 * calls `describeRegistry` once.
 *
 * @param name 1 to 64 characters of A-Z, a-z, 0-9, - and _. The variable `ALIEN_{NAME}_BINDING` says where its function
 *   is, unless the options do
 * @throws INVALID_INPUT for another name, BINDING_NOT_CONFIGURED, BINDING_CONFIG_INVALID, and what the call of
 *   `describeRegistry` throws
 *
 * @example
 * const registry = await artifactRegistry("images");
 * const { name } = await registry.createRepository("my-app");
 * const credentials = await registry.generateCredentials(name, "push-pull");
 *
 * @example
 * // Without a variable, and with a token of your own:
 * const registry = await artifactRegistry("images", { url: "https://registry.example", token: () => readToken() });
 */
export async function artifactRegistry(name: string, options: ConnectOptions = {}): Promise<Registry> {
  const connection = await connect(name, options);
  return registryOf(connection, connection.facts ?? (await connection.call("describeRegistry", {})));
}

/** For methods that pass their parameters on as they are: the fields of the operation's input, in their order. */
const parameters = {
  createRepository: "name",
  getRepository: "repoId",
  deleteRepository: "repoId",
  deleteImage: "repoId reference",
  addCrossAccountAccess: "repoId access",
  removeCrossAccountAccess: "repoId access",
  getCrossAccountAccess: "repoId",
  setupRepository: "name access",
} as const satisfies Partial<Record<OperationName, string>>;

/** What a page of a list has, whichever list it is. The methods' types say what its items are. */
interface AnyPage {
  readonly repositories?: readonly never[];
  readonly images?: readonly never[];
  readonly nextPageToken?: string;
}

function registryOf({ call }: Connection, { registryEndpoint, upstreamRepositoryPrefix }: RegistryFacts): Registry {
  // Written once for all of them, since a worker's bundle has 15.5 KiB. Their types are those of `Registry`.
  const methods = Object.entries(parameters).map(([operation, names]) => {
    const fields = names.split(" ");
    const method = (...given: unknown[]) =>
      call(
        operation as OperationName,
        Object.fromEntries(fields.map((field, place) => [field, given[place]])) as never,
        given[fields.length] as CallOptions,
      );
    return [operation, method];
  });

  /** Yields what is on each page: the items of a list, or the page itself. */
  async function* each(operation: OperationName, input: object, options?: ListOptions): AsyncGenerator<never> {
    let pageToken: string | undefined;
    do {
      const asked = { ...input, pageSize: options?.pageSize, pageToken };
      const page = (await call(operation, asked as never, options)) as AnyPage;
      yield* page.repositories ?? page.images ?? [page as never];
      pageToken = page.nextPageToken;
    } while (pageToken);
  }

  return {
    ...(Object.fromEntries(methods) as Pick<Registry, keyof typeof parameters>),
    registryEndpoint,
    upstreamRepositoryPrefix,
    generateCredentials: (repoId, permissions, ttlSeconds, options) =>
      call(
        "generateCredentials",
        { repoId, permissions, ttlSeconds, alsoPull: options?.alsoPull, region: options?.region },
        options,
      ),
    revokeCredentials: (which = {}, options) => call("revokeCredentials", which, options),
    repositories: (options) => each("listRepositories", {}, options),
    images: (repoId, options) => each("listImages", { repoId }, options),
    granteeAccess: (grantee, options) => each("listGranteeAccess", { grantee }, options),
    removeGranteeAccess: (grantee, options) => each("removeGranteeAccess", { grantee }, options),
  };
}
