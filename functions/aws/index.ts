import { fitName } from "../../core/names.ts";
import { defineService, type Platform } from "../../core/platform.ts";
import { ecrBinding, ecrPublicBinding } from "./binding.ts";
import { createEcrRegistry } from "./ecr/adapter.ts";
import { ecrGrammar } from "./names.ts";

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
  deriveBinding(name, env) {
    const { ALIEN_STACK_PREFIX: stack, ALIEN_LEASE_TABLE: leaseTable } = env;
    if (!stack) return undefined;
    // The naming rule of provisioning: a registry's prefix is the stack's and its own name.
    const repositoryPrefix = `${stack}-${fitName(name, { ...ecrGrammar, nested: false }, 64)}`;
    return { service: "ecr", repositoryPrefix, ...(leaseTable && { leaseTable }) };
  },
};
