import { type AzureEmulator, type AzureOptions, type Principal, startAzure } from "../../emulators/azure/index.ts";
import { useInThisProcess } from "./process.ts";

/** A container registry with what a registry of the suite needs, as an operator makes it. */
export interface AzureStack {
  readonly azure: AzureEmulator;
  readonly registryName: string;
  /** The id of the container registry in Azure Resource Manager. */
  readonly registryId: string;
  readonly loginServer: string;
  /** The identity that the function runs as. */
  readonly identity: Principal;
  /** Another of its identities, by the name under which it was asked for; its client id in AZURE_CLIENT_ID selects it. */
  other(name: string): Principal;
  /** The JSON that binds a registry: its prefix is its name. */
  binding(prefix: string, more?: object): string;
  /** Points Azure's libraries in this process at the emulator, as the function's identity. */
  useInThisProcess(): void;
  /** The variables that do so in another process, and name the function's endpoints. */
  env(): Record<string, string>;
  stop(): Promise<void>;
}

export interface StackOptions extends Omit<AzureOptions, "resourceGroup"> {
  readonly mode?: "rbac" | "abac";
  /** The tier of the container registry, which bounds its scope maps. Default: Basic, with 100. */
  readonly sku?: "Basic" | "Standard";
  /** Roles of the function on the container registry. */
  readonly roles?: readonly string[];
  /** Other identities of the function, with their roles. Azure's library asks one endpoint in all of a process's life. */
  readonly identities?: Readonly<Record<string, readonly string[]>>;
}

/** What the function's identity needs: its own work on images, and the scope maps. */
export const usualRoles = {
  rbac: ["AcrPush", "AcrDelete"],
  abac: ["Container Registry Repository Contributor", "Container Registry Repository Catalog Lister"],
} as const;
export const controlRole = "Container Registry Contributor and Data Access Configuration Administrator";

const registryName = "vendorimages";
const resourceGroup = "artifact-registry";

export async function startStack(options: StackOptions = {}): Promise<AzureStack> {
  const { mode = "rbac", sku, roles = [...usualRoles[mode], controlRole], identities = {}, ...rest } = options;
  const azure = await startAzure({ ...rest, resourceGroup });
  const { loginServer } = await azure.registry(registryName, { mode, ...(sku && { sku }) });
  const registryId = azure.registryId(registryName);
  const identity = azure.identity("function", { roles: { [registryId]: roles } });
  const others = new Map(
    Object.entries(identities).map(([name, held]) => [name, azure.identity(name, { roles: { [registryId]: held } })]),
  );
  const env = { ...azure.environment(identity, ...others.values()) };
  let takeBack = () => {};
  return {
    azure,
    registryName,
    registryId,
    loginServer,
    identity,
    other(name) {
      const found = others.get(name);
      if (found === undefined) throw new Error(`The function has no identity ${name}.`);
      return found;
    },
    binding: (prefix, more = {}) =>
      JSON.stringify({
        service: "acr",
        registryName,
        resourceGroupName: resourceGroup,
        loginServer,
        repositoryPrefix: prefix,
        ...more,
      }),
    useInThisProcess() {
      takeBack = useInThisProcess(azure, env);
    },
    env: () => ({ ...env }),
    async stop() {
      takeBack();
      await azure.close();
    },
  };
}
