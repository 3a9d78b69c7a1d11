import * as v from "valibot";
import { type ArtifactRegistryError, invalidInput } from "./errors.ts";
import { withFindings } from "./health.ts";
import { listing } from "./listing.ts";
import { furtherRepositories, mintCredentials } from "./minting.ts";
import {
  type Demand,
  defineOperation,
  granteesOf,
  notSupported,
  type Operation,
  onEveryRepository,
  onRepository,
} from "./operation.ts";
import type { ArtifactRegistry, CrossAccountControl, Provisioning } from "./registry.ts";
import { capabilities } from "./registry-schemas.ts";
import * as schema from "./schemas.ts";

const nothing = v.strictObject({});

const credentialRegion = v.pipe(
  schema.region,
  v.description(
    "Where the credentials count, on platforms whose tokens are regional: home, or a replica region to pull from.",
  ),
  v.examples(["eu-west-1"]),
);

/** What a credential or grant demands. Where the platform cannot narrow it, the rules must allow it for every repository. */
const onScope = (registry: ArtifactRegistry, input: { repoId: string }, scope: string | undefined): Demand =>
  scope === "registry" ? { ...onRepository(registry, input), repository: "every" } : onRepository(registry, input);

/** The table from which HTTP routes, direct invocation, events, OpenAPI, the client and the command line are made. */
export const operations = {
  createRepository: defineOperation({
    summary: "Create a repository",
    description: "Creates a repository in the registry. Idempotent: an existing one answers as it is.",
    kind: "runtime",
    input: { name: schema.logicalName },
    output: schema.repository,
    demand: (registry, { name }) => ({ repository: registry.routeName(name), permissions: "none", grantees: [] }),
    run: (registry, { name }, call) => registry.createRepository(registry.routeName(name), call),
  }),

  getRepository: defineOperation({
    summary: "Get a repository",
    description: "Answers a repository's routable name, URI and time of creation.",
    kind: "runtime",
    input: { repoId: schema.repositoryId },
    output: schema.repository,
    demand: onRepository,
    run: (registry, { repoId }, call) => registry.getRepository(registry.resolveId(repoId), call),
  }),

  deleteRepository: defineOperation({
    summary: "Delete a repository",
    description: "Deletes exactly this repository with all its images. Idempotent.",
    kind: "runtime",
    input: { repoId: schema.repositoryId },
    output: nothing,
    demand: onRepository,
    async run(registry, { repoId }, call) {
      await registry.deleteRepository(registry.resolveId(repoId), call);
      return {};
    },
  }),

  ...listing.content,

  generateCredentials: defineOperation({
    summary: "Mint short-lived credentials",
    description:
      "Mints credentials for one repository and one permission level, which may pull from further repositories as well. They live no longer than the caller's rules allow.",
    kind: "runtime",
    input: {
      repoId: schema.repositoryId,
      permissions: schema.permissions,
      ttlSeconds: v.optional(schema.ttlSeconds),
      alsoPull: v.optional(schema.alsoPull),
      region: v.optional(credentialRegion),
    },
    output: schema.credentials,
    asked: ({ permissions, ttlSeconds, alsoPull, region }) => ({
      permissions,
      ...(region !== undefined && { region }),
      ...(alsoPull && { alsoPull }),
      ...(ttlSeconds !== undefined && { ttlSeconds }),
    }),
    demand: (registry, input) => [
      {
        ...onScope(registry, input, registry.capabilities.credentials.scope),
        permissions: input.permissions,
      },
      ...furtherRepositories(registry, input).map(
        (repository): Demand => ({ repository, permissions: "pull", grantees: [] }),
      ),
    ],
    run: mintCredentials,
  }),

  revokeCredentials: defineOperation({
    summary: "End credentials before their time",
    description:
      "Ends the credentials minted so far that fit all given fields; with none, all of the registry. Idempotent.",
    kind: "runtime",
    input: {
      repoId: v.optional(schema.repositoryId),
      permissions: v.optional(schema.permissions),
      caller: v.optional(schema.caller),
      credentialId: v.optional(schema.credentialId),
    },
    output: v.strictObject({
      notBefore: v.pipe(schema.timestamp, v.description("What was minted before is refused.")),
      certainBy: v.pipe(schema.timestamp, v.description("From then on it is refused everywhere.")),
    }),
    asked: ({ permissions, caller, credentialId }) => ({
      ...(permissions && { permissions }),
      ...((caller || credentialId) && {
        revoked: { ...(caller && { caller }), ...(credentialId && { credentialId }) },
      }),
    }),
    demand: (registry, { repoId }) => (repoId === undefined ? onEveryRepository() : onRepository(registry, { repoId })),
    async run(registry, { registry: _, repoId, ...fields }, call) {
      if (!registry.revokeCredentials) throw notSupported(registry, "revokeCredentials");
      const name = repoId === undefined ? undefined : registry.resolveId(repoId);
      const { notBefore, certainBy } = await registry.revokeCredentials({ name, ...fields }, call);
      return { notBefore: notBefore.toISOString(), certainBy: certainBy.toISOString() };
    },
  }),

  addCrossAccountAccess: defineOperation({
    summary: "Grant a consumer's account the right to pull",
    description: "Adds what `access` spells out to what is granted already. Idempotent.",
    kind: "runtime",
    input: { repoId: schema.repositoryId, access: schema.crossAccountAccess },
    output: nothing,
    asked: ({ access }) => ({ grantees: namesOf([access]) }),
    demand: (registry, input) => ({
      ...onScope(registry, input, registry.capabilities.crossAccountScope),
      grantees: granteesOf(input.access),
    }),
    async run(registry, { repoId, access }, call) {
      await crossAccount(registry, "addCrossAccountAccess").add(registry.resolveId(repoId), [access], call);
      return {};
    },
  }),

  removeCrossAccountAccess: defineOperation({
    summary: "Revoke a consumer's right to pull",
    description: "Takes away what `access` spells out, erring on the side of revoking. Idempotent.",
    kind: "runtime",
    input: { repoId: schema.repositoryId, access: schema.crossAccountAccess },
    output: schema.revokedAccess,
    asked: ({ access }) => ({ grantees: namesOf([access]) }),
    demand: (registry, input) => onScope(registry, input, registry.capabilities.crossAccountScope),
    run: (registry, { repoId, access }, call) =>
      crossAccount(registry, "removeCrossAccountAccess").remove(registry.resolveId(repoId), access, call),
  }),

  getCrossAccountAccess: defineOperation({
    summary: "List who else may pull",
    description: "Answers the union of all grants, and the exact list of them.",
    kind: "runtime",
    input: { repoId: schema.repositoryId },
    output: schema.crossAccountPermissions,
    demand: (registry, input) => onScope(registry, input, registry.capabilities.crossAccountScope),
    run: (registry, { repoId }, call) =>
      crossAccount(registry, "getCrossAccountAccess").get(registry.resolveId(repoId), call),
  }),

  ...listing.consumers,

  setupRepository: defineOperation({
    summary: "Create a repository and grant access to it",
    description: "Creates the repository, then adds all accesses in one edit. Idempotent: it is what events run.",
    kind: "runtime",
    input: {
      name: schema.logicalName,
      access: v.optional(v.pipe(v.array(schema.crossAccountAccess), v.maxLength(100))),
    },
    output: schema.repository,
    asked: ({ access }) => (access ? { grantees: namesOf(access) } : {}),
    demand: (registry, { name, access = [] }) => ({
      repository:
        access.length > 0 && registry.capabilities.crossAccountScope === "registry"
          ? "every"
          : registry.routeName(name),
      permissions: "none",
      grantees: access.flatMap(granteesOf),
    }),
    async run(registry, { name, access = [] }, call) {
      // This comes first, because a platform without grants must refuse before it has created anything.
      const control = access.length > 0 ? crossAccount(registry, "addCrossAccountAccess") : undefined;
      const routable = registry.routeName(name);
      const repository = await registry.createRepository(routable, call);
      await control?.add(routable, access, call);
      return repository;
    },
  }),

  provisionRegistry: defineOperation({
    summary: "Provision the registry itself",
    description: "Makes what the registry needs on its platform, once per stack. Idempotent; adopts what exists.",
    kind: "provision",
    input: { replicationRegions: v.optional(schema.awsAccess.entries.regions) },
    output: v.strictObject({ binding: v.record(v.string(), v.unknown()) }),
    demand: onEveryRepository,
    async run(registry, { replicationRegions }, call) {
      const options = replicationRegions === undefined ? {} : { replicationRegions };
      return { binding: await provisioning(registry, "provisionRegistry").provision(options, call) };
    },
  }),

  describeRegistry: defineOperation({
    summary: "Describe the registry",
    description: "Answers where the registry is, what its platform can do, and whether it is well.",
    kind: "both",
    input: {},
    output: v.strictObject({
      service: v.string(),
      registryEndpoint: v.string(),
      upstreamRepositoryPrefix: v.string(),
      capabilities,
      health: schema.health,
    }),
    demand: () => ({ repository: "none", permissions: "none", grantees: [] }),
    async run(registry, _input, call, { findings, pages }) {
      const registryEndpoint = await registry.registryEndpoint(call);
      const health = await registry.health(call);
      return {
        service: registry.service,
        registryEndpoint,
        upstreamRepositoryPrefix: (await registry.upstreamPath?.(call)) ?? registry.upstreamRepositoryPrefix,
        capabilities: { ...registry.capabilities, paging: pages.lasting },
        health: findings.length === 0 ? health : withFindings(health, findings),
      };
    },
  }),

  deprovisionRegistry: defineOperation({
    summary: "Remove the registry itself",
    description: "Removes exactly what provisioning made. Refuses while repositories hold images, unless told.",
    kind: "provision",
    input: { deleteRepositories: v.optional(v.boolean()) },
    output: nothing,
    demand: onEveryRepository,
    async run(registry, { deleteRepositories }, call) {
      const options = deleteRepositories === undefined ? {} : { deleteRepositories };
      await provisioning(registry, "deprovisionRegistry").deprovision(options, call);
      return {};
    },
  }),
} as const satisfies Record<string, Operation>;

export type OperationName = keyof typeof operations;

export const operationNames = Object.keys(operations) as readonly OperationName[];

/** Whether a text is the name of an operation. It may come from a caller. */
export function isOperationName(name: string): name is OperationName {
  return Object.hasOwn(operations, name);
}

/** The refusal of what is no operation. */
export function unknownOperation(): ArtifactRegistryError {
  return invalidInput("There is no such operation.", "operation", `One of ${operationNames.join(", ")}.`);
}

/** The consumers of some accesses, each by the one name that says the most of it. */
function namesOf(accesses: readonly schema.CrossAccountAccess[]): string[] {
  return accesses.flatMap(granteesOf).map(([name]) => name);
}

function crossAccount(registry: ArtifactRegistry, operation: string): CrossAccountControl {
  if (registry.crossAccount) return registry.crossAccount;
  throw notSupported(registry, operation);
}

function provisioning(registry: ArtifactRegistry, operation: string): Provisioning {
  if (registry.provisioning) return registry.provisioning;
  throw notSupported(registry, operation);
}
