import { invalidInput } from "../core/errors.ts";
import { checkRegistryName } from "./binding.ts";

/** A registry as a stack declares it: the input of `provisionRegistry` and of the infrastructure modules. */
export interface RegistryDefinition {
  /** The registry's name. */
  readonly registry: string;
  /** AWS only: regions that hold replicas beside the home region. */
  readonly replicationRegions?: readonly string[];
}

/**
 * Declares a registry of a stack. Immutable: each method returns a new declaration.
 *
 * @example
 * const definition = new ArtifactRegistry("images").replicationRegions(["us-west-2", "eu-west-1"]).build();
 * // { registry: "images", replicationRegions: ["us-west-2", "eu-west-1"] }
 */
export class ArtifactRegistry {
  readonly #definition: RegistryDefinition;

  /**
   * Declares a registry in one region.
   *
   * @param id name of the registry: 1 to 64 characters of A-Z, a-z, 0-9, - and _
   * @throws INVALID_INPUT for another name
   */
  constructor(id: string) {
    checkRegistryName(id, "id");
    this.#definition = { registry: id };
  }

  /**
   * Adds replicas. AWS only.
   *
   * @param regions regions that hold replicas beside the home region, such as `us-west-2`; each once
   * @returns a new declaration
   * @throws INVALID_INPUT for what is not an AWS region, and for a region that is named twice
   */
  replicationRegions(regions: readonly string[]): ArtifactRegistry {
    for (const [index, region] of regions.entries()) {
      const field = `replicationRegions.${index}`;
      if (typeof region !== "string" || !/^[a-z]{2,4}(?:-[a-z]+)+-\d{1,2}$/.test(region)) {
        throw invalidInput(`"${region}" is not an AWS region such as us-west-2.`, field);
      }
      if (regions.indexOf(region) !== index) throw invalidInput(`The region "${region}" is named twice.`, field);
    }
    const next = new ArtifactRegistry(this.#definition.registry);
    Object.assign(next.#definition, { replicationRegions: Object.freeze([...regions]) });
    return next;
  }

  /** Finishes the declaration. @returns it as a frozen object that JSON can hold */
  build(): RegistryDefinition {
    return Object.freeze({ ...this.#definition });
  }
}
