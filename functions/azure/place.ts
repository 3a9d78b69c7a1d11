import { ArtifactRegistryError } from "../../core/errors.ts";
import type { Environment } from "../../core/platform.ts";

/** Azure Resource Manager of a cloud: its endpoint is also what a token for it is asked for. */
const resourceManagers: readonly (readonly [loginServerSuffix: string, url: string, locations: RegExp])[] = [
  [".azurecr.cn", "https://management.chinacloudapi.cn", /^china/],
  [".azurecr.us", "https://management.usgovcloudapi.net", /^us(?:gov|dod)/],
];

export interface ResourceManager {
  readonly url: string;
  /** The scope of a token for it. */
  readonly scope: string;
}

/**
 * Azure Resource Manager of the cloud that a login server belongs to; where that is not known, the location tells.
 *
 * @param env `ALIEN_ARM_ENDPOINT`: another URL for the same service, as an emulator's; tokens stay those of the cloud
 */
export function resourceManager(loginServer: string | undefined, env: Environment): ResourceManager {
  const known = resourceManagers.find(([suffix, , place]) =>
    loginServer === undefined ? place.test(location(env) ?? "") : loginServer.endsWith(suffix),
  )?.[1];
  const cloud = known ?? "https://management.azure.com";
  return { url: trimmed(env.ALIEN_ARM_ENDPOINT) ?? cloud, scope: `${cloud}/.default` };
}

/** Where the registry itself is reached. `ALIEN_ACR_ENDPOINT` is another URL for it, as an emulator's. */
export function registryUrl(loginServer: string, env: Environment): string {
  return trimmed(env.ALIEN_ACR_ENDPOINT) ?? `https://${loginServer}`;
}

/**
 * The subscription of the registry: `AZURE_SUBSCRIPTION_ID`, else the function's own, which App Service tells in
 * `WEBSITE_OWNER_NAME` (`{subscription}+{webspace}`).
 *
 * @throws BINDING_CONFIG_INVALID where neither tells it
 */
export function subscriptionId(env: Environment): string {
  const told = env.AZURE_SUBSCRIPTION_ID || env.WEBSITE_OWNER_NAME?.split("+")[0];
  if (told !== undefined && /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(told)) return told;
  throw new ArtifactRegistryError("BINDING_CONFIG_INVALID", "The registry's subscription is not known.", {
    hint: "Set AZURE_SUBSCRIPTION_ID to the id of the subscription that the registry is in.",
    context: { variable: "AZURE_SUBSCRIPTION_ID" },
  });
}

/**
 * The location that registries are made in, as `westeurope`: `ALIEN_AZURE_LOCATION`, else the function's own, which App
 * Service tells in `REGION_NAME`, as `West Europe`.
 */
export function location(env: Environment): string | undefined {
  const told = env.ALIEN_AZURE_LOCATION || env.REGION_NAME;
  return told?.toLowerCase().replaceAll(/\s+/g, "") || undefined;
}

/**
 * The resource group of registries that no variable binds: `ALIEN_AZURE_RESOURCE_GROUP`, else the function's own, which
 * App Service tells in `WEBSITE_RESOURCE_GROUP`.
 *
 * @throws BINDING_CONFIG_INVALID where neither tells it
 */
export function resourceGroup(env: Environment): string {
  const told = env.ALIEN_AZURE_RESOURCE_GROUP || env.WEBSITE_RESOURCE_GROUP;
  if (told) return told;
  throw new ArtifactRegistryError("BINDING_CONFIG_INVALID", "The resource group of the registries is not known.", {
    hint: "Set ALIEN_AZURE_RESOURCE_GROUP to its name.",
    context: { variable: "ALIEN_AZURE_RESOURCE_GROUP" },
  });
}

function trimmed(url: string | undefined): string | undefined {
  return url?.replace(/\/+$/, "") || undefined;
}
