import { ownershipTag } from "../../../../functions/azure/acr/registry.ts";
import { platform } from "../../../../functions/azure/index.ts";
import { type AzureEmulator, type CallRecord, type Principal, startAzure } from "../../../emulators/azure/index.ts";
import { openSuite, type TestSuite } from "../../../support/suite.ts";
import { limits, type Patience } from "../../acr/support/bench.ts";
import { useInThisProcess } from "../../support/process.ts";
import { provisionPermissions } from "./group.ts";

/** A resource group of its own, in which one container registry comes and goes. Its calls are known by its names. */
export interface Slot {
  readonly azure: AzureEmulator;
  /** Of the container registry; the prefix of its repositories is `images`. */
  readonly name: string;
  readonly scope: string;
  /** Whom the registry is for. */
  readonly serving: Principal;
  /** Opens a suite as a process that has just started, with an identity that has asked for nothing yet. */
  open(patience: Patience, own?: "for itself"): TestSuite;
  /** Nothing but what others have in the group. */
  clear(): Promise<void>;
  isAbout(call: CallRecord): boolean;
  /** The identities that suites of this slot had. */
  isOwn(principalId: string): boolean;
}

export interface Bench {
  readonly azure: AzureEmulator;
  slot(number: number): Slot;
  stop(): Promise<void>;
}

/** @param slots how many resource groups there are */
export async function startBench(slots: number): Promise<Bench> {
  const azure = await startAzure();
  const env = azure.environment();
  const takeBack = useInThisProcess(azure, env);
  azure.role("Provisions registries", provisionPermissions);
  const made: Slot[] = [];
  for (let number = 1; number <= slots; number++) made.push(await slotOf(azure, env, `slot${number}x`));
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

async function slotOf(azure: AzureEmulator, env: Readonly<Record<string, string>>, id: string): Promise<Slot> {
  const name = `${id}images`;
  const group = azure.resourceGroup(`${id}group`);
  const mentioned = new RegExp(`\\b${id}(?:images|group)\\b`);
  const serving = azure.identity(`${id}serving`);
  const clients = new Map<string, string>();
  // What somebody else has beside it, and may not be touched.
  await azure.registry(`${id}theirs`, { resourceGroup: `${id}group`, tags: { [ownershipTag]: "other/" } });
  const newIdentity = (): Principal => {
    const identity = azure.identity(`${id}-${clients.size}`, { roles: { [group]: ["Provisions registries"] } });
    azure.world.apps[0]?.identities.push(identity);
    clients.set(identity.clientId, identity.principalId);
    return identity;
  };
  return {
    azure,
    name,
    serving,
    scope: `${group}/providers/Microsoft.ContainerRegistry/registries/${name}`,
    open(patience, own) {
      const binding = {
        service: "acr",
        registryName: name,
        resourceGroupName: `${id}group`,
        repositoryPrefix: "images",
        loginServer: `${name}.azurecr.io`,
      };
      const variables = {
        ...env,
        AZURE_CLIENT_ID: newIdentity().clientId,
        ALIEN_DOOR: "provision",
        // Where an operation's end is looked for, it alone tells whose it is.
        ALIEN_AZURE_LOCATION: name,
        ALIEN_IMAGES_BINDING: JSON.stringify(binding),
        ...(own === undefined && { ALIEN_FUNCTION_PRINCIPAL_IDS: serving.principalId }),
      };
      return openSuite(platform, variables, limits[patience]);
    },
    async clear() {
      const found = azure.world.registries.get(name);
      if (found) await azure.world.removeRegistry(found);
      // With the roles of processes that are gone: thousands of them would be looked through at each call.
      azure.world.assignments.removeBelow(group);
    },
    isAbout: ({ resource = "", input }) =>
      mentioned.test(resource) || mentioned.test(String(input.path)) || clients.has(String(input.client_id)),
    isOwn: (principalId) => [...clients.values()].includes(principalId),
  };
}
