import { defineService, type Platform } from "../../core/platform.ts";
import { ecrBinding, ecrPublicBinding } from "./binding.ts";
import { createEcrRegistry } from "./ecr/adapter.ts";

/** Amazon ECR and Amazon ECR Public. */
export const platform: Platform = {
  name: "aws",
  services: {
    ecr: defineService({
      binding: ecrBinding,
      prefix: (_name, { repositoryPrefix: prefix }) => ({ prefix, separator: "-" }),
      open: createEcrRegistry,
    }),
    "ecr-public": defineService({
      binding: ecrPublicBinding,
      prefix: (_name, { repositoryPrefix: prefix }) => ({ prefix, separator: "-" }),
      // With its SDK, which a private registry's cold start does not pay for.
      open: async (context) => (await import("./ecr-public/adapter.ts")).createEcrPublicRegistry(context),
    }),
  },
};
