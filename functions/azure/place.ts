import { ArtifactRegistryError } from "../../core/errors.ts";
import type { Environment } from "../../core/platform.ts";
import { isGuid } from "./binding.ts";

interface Cloud {
  /** What the login servers of its registries end with. */
  readonly suffix: string;
  readonly locations: RegExp;
  /** Azure Resource Manager. Its endpoint is also the audience of its tokens. */
  readonly resourceManager: string;
  /** Microsoft Entra ID (Microsoft Learn, "National clouds"). */
  readonly authority: string;
}

/** The clouds that are not the public one. */
const nationalClouds: readonly Cloud[] = [
  {
    suffix: ".azurecr.cn",
    locations: /^china/,
    resourceManager: "https://management.chinacloudapi.cn",
    authority: "https://login.partner.microsoftonline.cn",
  },
  {
    suffix: ".azurecr.us",
    locations: /^us(?:gov|dod)/,
    resourceManager: "https://management.usgovcloudapi.net",
    authority: "https://login.microsoftonline.us",
  },
];

export interface ResourceManager {
  readonly url: string;
  /** The scope of a token for Azure Resource Manager. */
  readonly scope: string;
}

/**
 * Finds Azure Resource Manager of the cloud that a login server belongs to. If there is no login server, the location tells
 * the cloud.
 *
 * @param env `ALIEN_ARM_ENDPOINT`: another URL for the same service, such as an emulator's; the audience stays the cloud's
 */
export function resourceManager(loginServer: string | undefined, env: Environment): ResourceManager {
  const known = nationalClouds.find(({ suffix, locations }) =>
    loginServer === undefined ? locations.test(location(env) ?? "") : loginServer.endsWith(suffix),
  );
  const cloud = known?.resourceManager ?? "https://management.azure.com";
  const url = env.ALIEN_ARM_ENDPOINT?.replace(/\/+$/, "") || cloud;
  return { url, scope: `${cloud}/.default` };
}

/**
 * Microsoft Entra ID of the cloud that the function is in: `AZURE_AUTHORITY_HOST`, as for Azure's own libraries, or else what its location
 * tells.
 *
 * @returns a URL without a slash at its end
 */
export function entraAuthority(env: Environment): string {
  const known = nationalClouds.find(({ locations }) => locations.test(location(env) ?? ""));
  const url = env.AZURE_AUTHORITY_HOST || known?.authority || "https://login.microsoftonline.com";
  return url.replace(/\/+$/, "");
}

/**
 * The subscription of the registry: `AZURE_SUBSCRIPTION_ID`, or else the function's own, which App Service tells in
 * `WEBSITE_OWNER_NAME` (`{subscription}+{webspace}`).
 *
 * @throws BINDING_CONFIG_INVALID if neither tells it
 */
export function subscriptionId(env: Environment): string {
  const id = env.AZURE_SUBSCRIPTION_ID || env.WEBSITE_OWNER_NAME?.split("+")[0];
  if (id !== undefined && isGuid(id)) return id;
  throw new ArtifactRegistryError("BINDING_CONFIG_INVALID", "The registry's subscription is not known.", {
    hint: "Set AZURE_SUBSCRIPTION_ID to the id of the subscription that the registry is in.",
    context: { variable: "AZURE_SUBSCRIPTION_ID" },
  });
}

/**
 * The location in which registries are made, as `westeurope`: `ALIEN_AZURE_LOCATION`, or else the function's own, which App
 * Service tells in `REGION_NAME`, as `West Europe`.
 */
export function location(env: Environment): string | undefined {
  const name = env.ALIEN_AZURE_LOCATION || env.REGION_NAME;
  return name?.toLowerCase().replaceAll(/\s+/g, "") || undefined;
}

/**
 * The resource group of registries that no variable binds: `ALIEN_AZURE_RESOURCE_GROUP`, or else the function's own, which
 * App Service tells in `WEBSITE_RESOURCE_GROUP`.
 *
 * @throws BINDING_CONFIG_INVALID if neither tells it
 */
export function resourceGroup(env: Environment): string {
  const name = env.ALIEN_AZURE_RESOURCE_GROUP || env.WEBSITE_RESOURCE_GROUP;
  if (name) return name;
  throw new ArtifactRegistryError("BINDING_CONFIG_INVALID", "The resource group of the registries is not known.", {
    hint: "Set ALIEN_AZURE_RESOURCE_GROUP to its name.",
    context: { variable: "ALIEN_AZURE_RESOURCE_GROUP" },
  });
}
