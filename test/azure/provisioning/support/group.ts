import { randomUUID } from "node:crypto";
import { afterAll, beforeAll } from "vitest";
import type { Environment } from "../../../../core/platform.ts";
import { ownershipTag, ownershipValue } from "../../../../functions/azure/acr/registry.ts";
import { platform } from "../../../../functions/azure/index.ts";
import { createClient, pushImage } from "../../../../oci/client/index.ts";
import { type Suite, startSuite } from "../../../contract/harness.ts";
import {
  type AzureEmulator,
  type Principal,
  type RegistryOptions,
  startAzure,
} from "../../../emulators/azure/index.ts";
import { accessToken } from "../../../emulators/azure/support.ts";
import { buildImage } from "../../../oci/client/images.ts";
import { useInThisProcess } from "../../support/process.ts";

const registries = "Microsoft.ContainerRegistry/registries";

/** What the provision door's identity needs on the resource group, and nothing else (docs/azure.md). */
export const provisionPermissions = {
  actions: [
    ...["read", "write", "delete", "operationStatuses/read", "scopeMaps/read", "pull/read"].map(
      (each) => `${registries}/${each}`,
    ),
    ...["read", "write", "delete"].map((each) => `Microsoft.Authorization/roleAssignments/${each}`),
  ],
  dataActions: [`${registries}/catalog/read`],
};

/** A resource group without any registry for the tests of a file, and this process as the function that provisions. */
export function useGroup(permissions = provisionPermissions): () => Group {
  let group: Group | undefined;
  beforeAll(async () => {
    group = await Group.start(permissions);
  });
  afterAll(() => group?.stop());
  return () => {
    if (group === undefined) throw new Error("The group has not been set up.");
    return group;
  };
}

export class Group {
  readonly azure: AzureEmulator;
  readonly identity: Principal;
  readonly #suites: Suite[] = [];
  readonly #undo: () => void;

  private constructor(azure: AzureEmulator, identity: Principal, undo: () => void) {
    this.azure = azure;
    this.identity = identity;
    this.#undo = undo;
  }

  static async start(permissions: typeof provisionPermissions): Promise<Group> {
    const azure = await startAzure();
    const scope = azure.resourceGroup(azure.resourceGroupName);
    const { name: role } = azure.role("Provisions registries", permissions);
    const identity = azure.identity("function", { roles: { [scope]: [role] } });
    return new Group(azure, identity, useInThisProcess(azure, azure.environment(identity)));
  }

  /** A name that no registry has yet; its prefix is the same. */
  fresh(word = "reg"): string {
    return `${word}${randomUUID().slice(0, 8)}`;
  }

  /** What binds a registry before it is provisioned. */
  binding(name: string): object {
    return {
      service: "acr",
      registryName: name,
      resourceGroupName: this.azure.resourceGroupName,
      repositoryPrefix: name,
    };
  }

  /** The variables of the provision door's function. */
  env(more: Environment = {}): Environment {
    const { IDENTITY_ENDPOINT, IDENTITY_HEADER } = process.env;
    const id = {
      ...{ IDENTITY_ENDPOINT, IDENTITY_HEADER, AZURE_CLIENT_ID: this.identity.clientId },
      AZURE_SUBSCRIPTION_ID: this.azure.subscription,
    };
    const { acrUrl, armUrl } = this.azure;
    const places = { ALIEN_ACR_ENDPOINT: acrUrl, ALIEN_ARM_ENDPOINT: armUrl };
    return { ...id, ...places, ALIEN_AZURE_LOCATION: "westeurope", ...more };
  }

  /** The suite over HTTP; its registry `images` is bound to this container registry. */
  open(name: string, { binding = {}, env = {} }: { binding?: object; env?: Environment } = {}): Promise<Suite> {
    return this.openDerived({ ALIEN_IMAGES_BINDING: JSON.stringify({ ...this.binding(name), ...binding }), ...env });
  }

  /** The suite over HTTP, where nothing is bound but what is given. */
  async openDerived(env: Environment): Promise<Suite> {
    const suite = await startSuite(platform, this.env(env), ["images", "builds"]);
    this.#suites.push(suite);
    return suite;
  }

  registry(name: string) {
    return this.azure.world.registries.get(name.toLowerCase());
  }

  /** Somebody's container registry, as they made it. */
  seed(name: string, options: RegistryOptions = {}) {
    return this.azure.registry(name, options);
  }

  /** A container registry that provisioning would take for its own. */
  seedOwn(name: string, options: RegistryOptions = {}) {
    return this.seed(name, { ...options, tags: { ...options.tags, [ownershipTag]: ownershipValue(name) } });
  }

  /** Who may do what on a container registry, as `{principal id} {role}`, with the condition where there is one. */
  roles(name: string): readonly string[] {
    const { assignments, roles } = this.azure.world;
    const scope = this.scope(name);
    return assignments
      .list()
      .filter((each) => each.scope.toLowerCase() === scope.toLowerCase())
      .map(({ principalId, roleId, condition }) =>
        [principalId, roles.find(roleId)?.name, ...(condition === undefined ? [] : [condition])].join(" "),
      );
  }

  scope(name: string): string {
    const group = this.azure.resourceGroup(this.azure.resourceGroupName);
    return `${group}/providers/Microsoft.ContainerRegistry/registries/${name}`;
  }

  /** Pushes an image as somebody who may. */
  async push(name: string, image: string): Promise<void> {
    const abac = this.registry(name)?.mode === "AbacRepositoryPermissions";
    const roles = { [this.scope(name)]: [abac ? "Container Registry Repository Writer" : "AcrPush"] };
    const pusher = this.azure.identity(this.fresh("pusher"), { roles });
    const bearer = await accessToken(this.azure, name, pusher, `repository:${image}:pull,push`);
    this.azure.deletePrincipal(pusher);
    for (const role of Object.values(roles).flat()) this.azure.unassign(pusher, role);
    const client = createClient({ url: this.azure.registryUrl(name), credentials: { bearer } });
    await pushImage(client, image, "1.0", buildImage({ seed: image }));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#suites.map((suite) => suite.stop()));
    this.#undo();
    await this.azure.close();
  }
}
