import { ownershipTag, ownershipValue } from "../../../../functions/azure/acr/registry.ts";
import { platform } from "../../../../functions/azure/index.ts";
import { createAcrNames, derivedPrefix, derivedRegistryName, scopeMapName } from "../../../../functions/azure/names.ts";
import { noteManifest } from "../../../emulators/azure/acr/catalogue.ts";
import type { ScopeMap } from "../../../emulators/azure/acr/registry.ts";
import {
  type AzureEmulator,
  type CallRecord,
  type Principal,
  type Registry,
  startAzure,
} from "../../../emulators/azure/index.ts";
import { type Limits, openSuite, type TestSuite } from "../../../support/suite.ts";
import { useInThisProcess } from "../../support/process.ts";
import { controlRole, usualRoles } from "../../support/stack.ts";

/** How patient a suite is: `quick` has the core's own limits, `brief` little time for an operation, `impatient` for a request too. */
export type Patience = "quick" | "brief" | "impatient";
/** `unnamed` is not told the login server, `derived` has no binding at all. */
export type Variant = "plain" | "unnamed" | "derived";

/** Milliseconds after which an impatient suite gives a request up. */
export const upstreamTimeoutMs = 1_500;
export const limits: Readonly<Record<Patience, Limits>> = {
  quick: {},
  brief: { operationTimeoutMs: 6_000 },
  impatient: { upstreamTimeoutMs, operationTimeoutMs: 8_000 },
};

/** Many container registries, on which operations run over and over. */
export interface Bench {
  readonly azure: AzureEmulator;
  slot(number: number): Slot;
  stop(): Promise<void>;
}

/** A container registry of its own, by whose name its calls are known. */
export interface Slot {
  readonly registry: Registry;
  readonly logical: string;
  /** The path of the registry's repositories. */
  readonly prefix: string;
  /** As the registry names it. */
  readonly repository: string;
  /** The name of its scope map. */
  readonly scopeMap: string;
  /** Opens a suite as a process that has just started, with an identity that has asked for nothing yet. */
  open(patience: Patience, variant?: Variant): TestSuite;
  /** A suite that has run before, so that it holds its tokens. */
  warm(patience: Patience): Promise<TestSuite>;
  /** With others' things alone. */
  clear(): void;
  /** Makes the scope map of the repository's name, or changes it, past every check. */
  setScopeMap(parts: Partial<ScopeMap>): void;
  /** Makes an image path exist. */
  push(path: string): void;
  isAbout(call: CallRecord): boolean;
}

/** What others made, under this name in every registry: no operation may touch it. */
export const theirs = {
  scopeMap: "build-agents",
  description: "canary of the build agents",
  repository: "images/other",
};

/** The image that is in each repository, with two tags. */
export const imageDigest = `sha256:${"4".repeat(64)}`;
const mediaType = "application/vnd.oci.image.manifest.v1+json";

const resourceGroup = "artifact-registry";
const logical = "my-app";

/** @param slots how many registries there are */
export async function startBench(slots: number): Promise<Bench> {
  const azure = await startAzure({ resourceGroup });
  const env = azure.environment();
  const takeBack = useInThisProcess(azure, env);
  const made: Slot[] = [];
  for (let number = 1; number <= slots; number++) {
    made.push(await openSlot(azure, env, `slot${number}`));
  }
  return {
    azure,
    slot(number) {
      const found = made[number - 1];
      if (found === undefined) throw new Error(`There is no slot ${number}.`);
      return found;
    },
    async stop() {
      takeBack();
      await azure.close();
    },
  };
}

async function openSlot(
  azure: AzureEmulator,
  env: Readonly<Record<string, string>>,
  stackPrefix: string,
): Promise<Slot> {
  const prefix = derivedPrefix(stackPrefix, "images");
  const repository = createAcrNames({ repositoryPrefix: prefix }, []).routeName(logical);
  const ownScopeMap = scopeMapName(repository);
  const { subscription } = azure;
  const name = derivedRegistryName({ subscription, resourceGroup, stackPrefix, name: "images" });
  const tags = { [ownershipTag]: ownershipValue(prefix) };
  // What tells nothing but the location of a registry is known by that.
  const registry = await azure.registry(name, { location: name, tags });
  const { loginServer, scopeMaps, repositories } = registry;
  const system = new Map(scopeMaps);
  const mentioned = new RegExp(`\\b${name}\\b`);
  const clients = new Set<string>();
  const warmed = new Map<Patience, Promise<TestSuite>>();
  const newIdentity = (): Principal => {
    const roles = [...usualRoles.rbac, controlRole];
    const identity = azure.identity(`function-${clients.size}-${name}`, { roles: { [azure.registryId(name)]: roles } });
    azure.world.apps[0]?.identities.push(identity);
    clients.add(identity.clientId);
    return identity;
  };
  const bound = { service: "acr", registryName: name, resourceGroupName: resourceGroup, repositoryPrefix: prefix };
  const variables: Readonly<Record<Variant, Record<string, string>>> = {
    plain: { ALIEN_IMAGES_BINDING: JSON.stringify({ ...bound, loginServer }) },
    unnamed: { ALIEN_IMAGES_BINDING: JSON.stringify(bound) },
    derived: { ALIEN_STACK_PREFIX: stackPrefix, ALIEN_AZURE_RESOURCE_GROUP: resourceGroup },
  };
  const open = (patience: Patience, variant: Variant = "plain") =>
    openSuite(platform, { ...env, AZURE_CLIENT_ID: newIdentity().clientId, ...variables[variant] }, limits[patience]);
  const setScopeMap = (key: string, parts: Partial<ScopeMap>) => {
    const provisioningState = "Succeeded";
    const common = { type: "UserDefined", creationDate: azure.world.clock(), provisioningState } as const;
    scopeMaps.set(key, { name: key, description: undefined, actions: [], ...common, ...scopeMaps.get(key), ...parts });
  };
  const push = (path: string) => {
    repositories.delete(path);
    for (const tag of ["1.0", "latest"]) {
      noteManifest(registry, path, azure.world.clock(), { digest: imageDigest, tag, mediaType, size: 1_000 });
    }
  };
  return {
    registry,
    logical,
    prefix,
    repository,
    scopeMap: ownScopeMap,
    open,
    warm(patience) {
      const start = async () => {
        const suite = open(patience);
        const { status, text } = await suite.ask("getRepository", { repoId: "warm-up" });
        if (status !== 404) throw new Error(`A suite could not be opened: ${text}`);
        return suite;
      };
      const found = warmed.get(patience) ?? start();
      warmed.set(patience, found);
      return found;
    },
    clear() {
      scopeMaps.clear();
      for (const [key, each] of system) scopeMaps.set(key, each);
      repositories.clear();
      const { scopeMap, description, repository: other } = theirs;
      setScopeMap(scopeMap, { description, actions: [`repositories/${other}/content/read`] });
      push(other);
    },
    setScopeMap: (parts) => setScopeMap(ownScopeMap, parts),
    push,
    isAbout: ({ resource = "", input }) =>
      mentioned.test(resource) || mentioned.test(String(input.path)) || clients.has(String(input.client_id)),
  };
}
