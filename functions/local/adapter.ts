import { randomUUID } from "node:crypto";
import type { Call } from "../../core/call.ts";
import { ArtifactRegistryError, invalidInput } from "../../core/errors.ts";
import { checkHealth } from "../../core/health.ts";
import { fitName, type NameSpace, ociGrammar, resolveRepositoryId, routeLogicalName } from "../../core/names.ts";
import type { OpenContext } from "../../core/platform.ts";
import type { ArtifactRegistry, Provisioning } from "../../core/registry.ts";
import type { Capabilities } from "../../core/registry-schemas.ts";
import { Secret } from "../../core/secret.ts";
import { pause } from "../../core/waiting.ts";
import { repositoryMarker } from "../../oci/client/index.ts";
import { isDiskFull } from "../../oci/files.ts";
import {
  callerHash,
  hasEnded,
  isRevoked,
  maxRevocations,
  mintToken,
  type Revocation,
  RevocationsFull,
  type TokenClaims,
} from "../../oci/token/index.ts";
import { type LocalCredentials, lifetimes } from "./credentials.ts";
import { diskFull } from "./errors.ts";
import { audience, catalog, createRegistryClient, type RegistryClient, repositoryAccess } from "./registry-client.ts";

/** Where a local registry is and where its signing key lies. */
export interface LocalRegistryLocation {
  readonly registryUrl: string;
  readonly dataDir: string;
}

const noAccounts = {
  reason: "The local registry has no other accounts: cross-account access does not apply.",
  hint: "Mint pull credentials for the consumer with generateCredentials.",
};

const capabilities: Capabilities = {
  credentials: { authMethod: "basic", scope: "repository", ttlSeconds: lifetimes },
  tellsAbsence: true,
  unsupported: {
    addCrossAccountAccess: noAccounts,
    removeCrossAccountAccess: noAccounts,
    getCrossAccountAccess: noAccounts,
    listGranteeAccess: noAccounts,
    removeGranteeAccess: noAccounts,
  },
};

/** The prefix of a registry's repositories: the registry's own name, in the grammar of repository names. */
export function localPrefix(registryName: string): string {
  return fitName(registryName, { ...ociGrammar, nested: false });
}

/**
 * The adapter for one namespace of a local OCI registry.
 *
 * @param credentials the registry's keys and revocations; they are read when they are first needed
 */
export function createLocalRegistry(
  { name, others }: Pick<OpenContext, "name" | "others">,
  location: LocalRegistryLocation,
  credentials: LocalCredentials,
): ArtifactRegistry {
  const registryUrl = location.registryUrl.replace(/\/+$/, "");
  const { host } = new URL(registryUrl);
  const prefix = localPrefix(name);
  const space: NameSpace = { prefix, separator: "/", grammar: ociGrammar, hosts: [host], others };
  const registry = createRegistryClient(registryUrl, credentials.keys);
  const toRepository = (repository: string, createdAt: string) => ({
    name: repository,
    uri: `${host}/${repository}`,
    createdAt: new Date(createdAt).toISOString(),
  });

  return {
    service: "local",
    capabilities,
    upstreamRepositoryPrefix: prefix,
    routeName: (logical) => routeLogicalName(logical, space),
    resolveId: (repoId) => resolveRepositoryId(repoId, space),
    registryEndpoint: async () => registryUrl,

    async createRepository(repository, call) {
      const existing = await registry.repositoryCreatedAt(call, repository);
      if (existing !== undefined) return toRepository(repository, existing);
      await pushMarker(registry, repository, call);
      const createdAt = await registry.repositoryCreatedAt(call, repository);
      if (createdAt !== undefined) return toRepository(repository, createdAt);
      // Somebody deleted it between the two requests. The deletion wins.
      throw new ArtifactRegistryError("RESOURCE_CONFLICT", `"${repository}" was deleted while it was created.`, {
        retryable: true,
      });
    },

    async getRepository(repository, call) {
      const createdAt = await registry.repositoryCreatedAt(call, repository);
      if (createdAt !== undefined) return toRepository(repository, createdAt);
      throw notFound(repository);
    },

    deleteRepository: (repository, call) => registry.deleteRepository(call, repository),

    async listRepositories(page, call) {
      const { items, next } = await registry.listRepositories(call, prefix, page);
      return { items: items.map((each) => toRepository(each.name, each.createdAt)), next };
    },

    async listImages(repository, page, call) {
      const images = await registry.listImages(call, repository, page);
      if (images === undefined) throw notFound(repository);
      return { ...images, items: images.items.filter(({ digest }) => digest !== repositoryMarker.manifest.digest) };
    },

    async deleteImage(repository, image, call) {
      const reference = "digest" in image ? image.digest : image.tag;
      if (reference === repositoryMarker.manifest.digest) {
        throw invalidInput("This image marks the repository as created.", "reference", "Use deleteRepository.");
      }
      const access = repositoryAccess(repository, "delete");
      await registry.oci(call, "delete manifest", access, (client) => client.deleteManifest(repository, reference));
    },

    async generateCredentials(
      { name: repository, permissions, alsoPull = [], ttlSeconds, credentialId = randomUUID() },
      call,
    ) {
      const seconds = Math.min(Math.max(ttlSeconds ?? lifetimes.default, lifetimes.min), lifetimes.max);
      const factsAt = (now: Date): Omit<TokenClaims, "root"> => ({
        subject: callerHash(call.caller.issuer, call.caller.subject),
        access: [
          repositoryAccess(repository, ...(permissions === "pull" ? ["pull"] : ["pull", "push"])),
          ...alsoPull.map((each) => repositoryAccess(each, "pull")),
        ],
        // A token expires at a whole second. Without rounding up, a credential of one second could expire before it is used.
        expiresAt: new Date(Math.ceil(now.getTime() / 1_000 + seconds) * 1_000),
        credential: {
          id: credentialId,
          issuedAt: secondOf(now),
          registry: name,
          repositories: [repository, ...alsoPull],
          permissions,
        },
      });
      let now = call.now();
      let facts = factsAt(now);
      if (isRevoked(await readable(credentials), facts)) {
        await pause(untilNextSecond(now), call.signal);
        now = call.now();
        facts = factsAt(now);
        if (isRevoked(await readable(credentials), facts)) throw revokedThisSecond();
      }
      const { expiresAt } = facts;
      const [key] = await credentials.keys();
      const token = mintToken(key, { ...facts, audience, now, id: credentialId });
      return {
        authMethod: "basic",
        username: "token",
        password: new Secret(token),
        expiresAt,
        scope: "repository",
        async stillCounts(now) {
          const [ring, revoked] = await Promise.all([credentials.keys(), readable(credentials)]);
          const current = ring.find(({ id }) => id === key.id);
          return current !== undefined && !hasEnded(current, now) && !isRevoked(revoked, facts);
        },
      };
    },

    async revokeCredentials({ name: repository, permissions, caller, credentialId }, call) {
      const revokedAt = new Date(secondOf(call.now()) * 1_000);
      const revocation = {
        revokedAt: revokedAt.toISOString(),
        registry: name,
        ...(repository !== undefined && { repository }),
        ...(permissions && { permissions }),
        ...(caller && { caller: callerHash(caller.issuer, caller.subject) }),
        ...(credentialId !== undefined && { credentialId }),
      };
      // The list is read first, so that one that cannot be read is told as such.
      await readable(credentials);
      await credentials.revoke(revocation, call.now()).catch(explainUnwritten);
      return { notBefore: revokedAt, certainBy: revokedAt };
    },

    provisioning: createProvisioning(prefix, { registryUrl, dataDir: location.dataDir }, registry),

    async health(call) {
      const problem = await credentials.keyProblem();
      const known = problem === undefined ? [] : [{ message: problem, hint: "Mend the file before the next restart." }];
      return checkHealth(known, "unhealthy", async () => {
        await readable(credentials);
        await registry.oci(call, "GET /v2/", repositoryAccess(prefix, "pull"), (client) => client.ping());
        return [];
      });
    },
  };
}

function notFound(repository: string): ArtifactRegistryError {
  return new ArtifactRegistryError("RESOURCE_NOT_FOUND", `There is no repository "${repository}".`, {
    hint: "Create it with createRepository.",
  });
}

/** Reads the list of revocations. @throws SERVICE_UNAVAILABLE while it cannot be read */
async function readable(credentials: LocalCredentials): Promise<readonly Revocation[]> {
  try {
    return await credentials.revocations();
  } catch (cause) {
    throw new ArtifactRegistryError("SERVICE_UNAVAILABLE", "The list of revoked credentials cannot be read.", {
      hint: "Until it can, the registry takes no credentials. Mend revoked.json in its data folder; its log says more.",
      cause,
    });
  }
}

function secondOf(moment: Date): number {
  return Math.floor(moment.getTime() / 1_000);
}

/** Milliseconds. A timer may fire one too early. */
function untilNextSecond(moment: Date): number {
  return (secondOf(moment) + 1) * 1_000 - moment.getTime() + 1;
}

/** A revocation counts for the whole second, so that a credential of this second would end with it. */
function revokedThisSecond(): ArtifactRegistryError {
  return new ArtifactRegistryError("SERVICE_UNAVAILABLE", "Such credentials were revoked in this very second.", {
    retryable: true,
    retryAfterSeconds: 1,
    hint: "Ask again in a second.",
  });
}

function explainUnwritten(cause: unknown): never {
  if (cause instanceof RevocationsFull) {
    throw new ArtifactRegistryError("QUOTA_EXCEEDED", "The list of revocations is full.", {
      hint: "One with fewer fields takes the place of all that it includes: revoke by repository, or for the registry.",
      context: { limit: maxRevocations },
      cause,
    });
  }
  if (isDiskFull(cause)) throw diskFull(cause);
  throw cause;
}

async function pushMarker(registry: RegistryClient, repository: string, call: Call): Promise<void> {
  const { config, manifest } = repositoryMarker;
  await registry.oci(call, "push marker", repositoryAccess(repository, "pull", "push"), async (client) => {
    await client.pushBlob(repository, { digest: config.digest, body: config.bytes });
    await client.pushManifest(repository, manifest.digest, manifest);
  });
}

/** The local server runs the registry itself. So provisioning only answers a binding, and deprovisioning only deletes repositories. */
function createProvisioning(prefix: string, location: LocalRegistryLocation, registry: RegistryClient): Provisioning {
  const listRepositories = async (call: Call): Promise<string[]> => {
    const all = await registry.oci(call, "list repositories", catalog, (client) => client.catalog());
    return all.filter((name) => name === prefix || name.startsWith(`${prefix}/`));
  };

  return {
    provision: async () => ({ service: "local", ...location }),

    async deprovision({ deleteRepositories = false }, call) {
      const existing = await listRepositories(call);
      if (existing.length > 0 && !deleteRepositories) {
        throw new ArtifactRegistryError(
          "RESOURCE_CONFLICT",
          `The registry still holds ${existing.length} repositories.`,
          {
            hint: "Delete them first, or pass deleteRepositories: true.",
            context: { repositories: existing.length },
          },
        );
      }
      for (const name of existing) await registry.deleteRepository(call, name);
    },
  };
}
