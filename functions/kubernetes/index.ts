import { defineService, type Platform } from "../../core/platform.ts";
import { externalBinding } from "./binding.ts";
import { createExternalRegistry } from "./external/adapter.ts";

/** The platform for Kubernetes and on-premises: an OCI registry that the cluster's operator provides. */
export const platform: Platform = {
  name: "kubernetes",
  services: {
    external: defineService({
      binding: externalBinding,
      prefix: (_name, { repositoryPrefix = "" }) => ({ prefix: repositoryPrefix, separator: "/" }),
      open: createExternalRegistry,
    }),
  },
};
