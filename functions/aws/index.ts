import { defineService, type Platform } from "../../core/platform.ts";
import { ecrBinding } from "./binding.ts";
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
  },
};
