import { defineService, type Platform } from "../../core/platform.ts";
import { createAcrRegistry } from "./acr/adapter.ts";
import { acrBinding } from "./binding.ts";
import { derivedPrefix, derivedRegistryName } from "./names.ts";
import { resourceGroup, subscriptionId } from "./place.ts";

/** Azure Container Registry. */
export const platform: Platform = {
  name: "azure",
  services: {
    acr: defineService({
      binding: acrBinding,
      prefix: (_name, { repositoryPrefix = "" }) => ({ prefix: repositoryPrefix, separator: "/" }),
      open: createAcrRegistry,
    }),
  },
  deriveBinding(name, env) {
    const { ALIEN_STACK_PREFIX: stackPrefix } = env;
    if (!stackPrefix) return undefined;
    const resourceGroupName = resourceGroup(env);
    const place = { subscription: subscriptionId(env), resourceGroup: resourceGroupName, stackPrefix, name };
    return {
      service: "acr",
      registryName: derivedRegistryName(place),
      resourceGroupName,
      repositoryPrefix: derivedPrefix(stackPrefix, name),
    };
  },
};
