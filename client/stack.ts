import { ArtifactRegistryError } from "../core/errors.ts";
import { checkRegistryName } from "./binding.ts";

/** What a stack says of a registry: the input of `provisionRegistry`, and of the infrastructure modules. */
export interface RegistryDefinition {
  /** The registry's name. */
  readonly registry: string;
  /** AWS only: regions that hold replicas beside the home region. */
  readonly replicationRegions?: readonly string[];
}

/**
 * Declares a registry of a stack. Immutable: each method answers a new one.
 *
 * ```ts
 * new ArtifactRegistry("images").replicationRegions(["us-west-2", "eu-west-1"]).build()
 * ```
 */
export class ArtifactRegistry {
  readonly #definition: RegistryDefinition;

  /** @param id 1 to 64 characters of A-Z, a-z, 0-9, - and _ @throws INVALID_INPUT */
  constructor(id: string) {
    checkRegistryName(id, "id");
    this.#definition = { registry: id };
  }

  /** @param regions AWS regions, as `us-west-2`; each once @throws INVALID_INPUT */
  replicationRegions(regions: readonly string[]): ArtifactRegistry {
    for (const [index, region] of regions.entries()) {
      const field = `replicationRegions.${index}`;
      if (typeof region !== "string" || !/^[a-z]{2,4}(?:-[a-z]+)+-\d{1,2}$/.test(region)) {
        throw refused(field, `"${region}" is no AWS region, as us-west-2.`);
      }
      if (regions.indexOf(region) !== index) throw refused(field, `The region "${region}" is named twice.`);
    }
    const next = new ArtifactRegistry(this.#definition.registry);
    Object.assign(next.#definition, { replicationRegions: Object.freeze([...regions]) });
    return next;
  }

  /** @returns JSON; frozen */
  build(): RegistryDefinition {
    return Object.freeze({ ...this.#definition });
  }
}

function refused(field: string, message: string): ArtifactRegistryError {
  return new ArtifactRegistryError("INVALID_INPUT", message, { context: { field } });
}
