import { defineService, type Platform } from "../../core/platform.ts";
import { garBinding } from "./binding.ts";
import { createGarRegistry } from "./gar/adapter.ts";
import { derivedRepositoryId, garPrefix, provisionedBinding } from "./names.ts";
import { placeOf } from "./place.ts";

/** Google Artifact Registry. */
export const platform: Platform = {
  name: "gcp",
  services: {
    gar: defineService({
      binding: garBinding,
      prefix: (_name, binding, env) => ({ prefix: garPrefix(placeOf(binding, env)), separator: "/" }),
      open: createGarRegistry,
    }),
  },
  deriveBinding(name, env) {
    const { ALIEN_STACK_PREFIX: stack } = env;
    if (!stack) return undefined;
    return provisionedBinding(placeOf({ repositoryName: derivedRepositoryId(stack, name) }, env));
  },
};
