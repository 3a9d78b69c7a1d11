import { defineService, type Platform } from "../../core/platform.ts";
import { createAcrRegistry } from "./acr/adapter.ts";
import { acrBinding } from "./binding.ts";

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
};
