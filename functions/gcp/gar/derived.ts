import { ifProvisioned, proofOf } from "../../../core/provisioned.ts";
import type { ArtifactRegistry } from "../../../core/registry.ts";
import { isOurs } from "../ownership.ts";
import type { GarContext } from "./context.ts";
import { findRepository } from "./repository.ts";

/** The registry of a derived binding, which holds only where the repository carries our label. */
export function derivedRegistry(registry: ArtifactRegistry, context: GarContext): ArtifactRegistry {
  const prove = proofOf(async (call) => {
    const own = await findRepository(context, call);
    return own !== undefined && isOurs(own.labels ?? {}, context.place);
  });
  const proven = ifProvisioned(registry, prove);
  // Behind the provision door it is said what is missing.
  return context.env.ALIEN_DOOR === "provision" ? { ...proven, health: registry.health } : proven;
}
