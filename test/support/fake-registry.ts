import type { Call } from "../../core/call.ts";
import {
  type NameSpace,
  ociGrammar,
  type RoutableName,
  resolveRepositoryId,
  routeLogicalName,
} from "../../core/names.ts";
import type { ArtifactRegistry, Page, PageRequest } from "../../core/registry.ts";
import type { Capabilities } from "../../core/registry-schemas.ts";
import type { RevokedAccess } from "../../core/schemas.ts";
import { Secret } from "../../core/secret.ts";

/** One call that reached the adapter. */
export interface Recorded {
  readonly method: string;
  readonly repository?: string;
  readonly detail?: unknown;
  readonly call: Call;
}

export interface FakeOptions {
  readonly space?: NameSpace;
  readonly capabilities?: Partial<Capabilities>;
  /** Runs inside `call.upstream` of every method; throw here to make the platform fail. */
  readonly upstream?: (method: string, signal: AbortSignal, repository?: string) => Promise<void> | void;
  /** What a revocation answers. */
  readonly revoked?: RevokedAccess;
  /** The repositories that a list finds, in this order; the cursor is the last one of the page before. */
  readonly repositories?: readonly string[];
  readonly without?: readonly ("crossAccount" | "provisioning" | "revokeCredentials" | "lists")[];
}

export interface FakeRegistry extends ArtifactRegistry {
  readonly recorded: Recorded[];
}

export const fakePassword = "canary-password-4711";
export const fakeCreatedAt = "2026-01-02T03:04:05.000Z";

export const fakeCapabilities: Capabilities = {
  credentials: { authMethod: "basic", scope: "repository", ttlSeconds: { min: 1, max: 43_200, default: 3_600 } },
  tellsAbsence: true,
  crossAccountAccess: "aws",
  crossAccountScope: "repository",
  unsupported: {},
};

/** An adapter in memory that writes down what reaches it. It proves what the core does, not what a platform does. */
export function createFakeRegistry(options: FakeOptions = {}): FakeRegistry {
  const space = options.space ?? { prefix: "images", separator: "/", grammar: ociGrammar };
  const recorded: Recorded[] = [];
  const record = async (call: Call, method: string, repository?: string, detail?: unknown): Promise<void> => {
    recorded.push({ method, call, ...(repository !== undefined && { repository }), detail });
    await call.upstream(`Fake ${method}`, async (signal) => options.upstream?.(method, signal, repository));
  };
  const repositoryOf = (name: string) => ({ name, uri: `registry.example/${name}`, createdAt: fakeCreatedAt });
  const { repositories = ["images/my-app"] } = options;
  const pageOf = <Item>({ cursor, pageSize }: PageRequest, make: (name: string) => Item): Page<Item> => {
    const begin = cursor === undefined ? 0 : repositories.indexOf(cursor) + 1;
    const names = repositories.slice(begin, begin + pageSize);
    const last = begin + pageSize >= repositories.length ? undefined : names.at(-1);
    return { items: names.map(make), ...(last !== undefined && { next: last }) };
  };
  const has = (what: NonNullable<FakeOptions["without"]>[number]) => !options.without?.includes(what);

  return {
    recorded,
    service: "fake",
    capabilities: { ...fakeCapabilities, ...options.capabilities },
    upstreamRepositoryPrefix: space.prefix,
    routeName: (logical) => routeLogicalName(logical, space),
    resolveId: (repoId) => resolveRepositoryId(repoId, space),
    registryEndpoint: async (call) => {
      await record(call, "registryEndpoint");
      return "https://registry.example";
    },
    createRepository: async (name, call) => {
      await record(call, "createRepository", name);
      return repositoryOf(name);
    },
    getRepository: async (name, call) => {
      await record(call, "getRepository", name);
      return repositoryOf(name);
    },
    deleteRepository: (name, call) => record(call, "deleteRepository", name),
    generateCredentials: async ({ name, permissions, ttlSeconds, alsoPull }, call) => {
      await record(call, "generateCredentials", name, { permissions, ttlSeconds, alsoPull });
      return {
        authMethod: "basic",
        username: "token",
        password: new Secret(fakePassword),
        expiresAt: new Date(call.now().getTime() + (ttlSeconds ?? 3_600) * 1_000),
        scope: "repository",
      };
    },
    ...(has("lists") && {
      listRepositories: async (page, call) => {
        await record(call, "listRepositories", undefined, page);
        return pageOf(page, repositoryOf);
      },
      listImages: async (name, page, call) => {
        await record(call, "listImages", name, page);
        return pageOf(page, (tag) => ({ digest: `sha256:${"0".repeat(64)}`, tags: [tag] }));
      },
      deleteImage: (name, reference, call) => record(call, "deleteImage", name, reference),
    }),
    ...(has("revokeCredentials") && {
      revokeCredentials: async ({ name, ...fields }, call) => {
        await record(call, "revokeCredentials", name, fields);
        return { notBefore: call.now(), certainBy: new Date(call.now().getTime() + 60_000) };
      },
    }),
    ...(has("crossAccount") && {
      crossAccount: {
        listOf: async (consumer, page, call) => {
          await record(call, "listOf", undefined, { consumer, page });
          return pageOf(page, (repoId) => ({ repoId, grants: [] }));
        },
        removeAll: async (consumer, page, call) => {
          await record(call, "removeAll", undefined, { consumer, page });
          return pageOf(page, (name) => ({ name: name as RoutableName, changed: true, ...options.revoked }));
        },
        add: (name, accesses, call) => record(call, "add", name, accesses),
        remove: async (name, access, call) => {
          await record(call, "remove", name, access);
          return options.revoked ?? {};
        },
        get: async (name, call) => {
          await record(call, "get", name);
          const access = { type: "aws", accountIds: [], regions: [], roleArns: [], allowedServiceTypes: [] } as const;
          return {
            access: { ...access, accountIds: [], regions: [], roleArns: [], allowedServiceTypes: [] },
            grants: [],
          };
        },
      },
    }),
    ...(has("provisioning") && {
      provisioning: {
        provision: async (provision, call) => {
          await record(call, "provision", undefined, provision);
          return { service: "fake", prefix: space.prefix };
        },
        deprovision: (deprovision, call) => record(call, "deprovision", undefined, deprovision),
      },
    }),
    health: async (call) => {
      await record(call, "health");
      return { status: "healthy", findings: [] };
    },
  };
}
