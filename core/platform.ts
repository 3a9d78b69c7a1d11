import type * as v from "valibot";
import type { OtherSpace } from "./names.ts";
import type { ArtifactRegistry } from "./registry.ts";

/** What a platform's folder exports from its `index.ts`: one entry for each service that a binding may name. */
export interface Platform {
  readonly name: string;
  readonly services: Readonly<Record<string, Service>>;
}

export interface Service {
  /** Schema of the binding's JSON, `service` included. */
  readonly binding: v.GenericSchema;
  /** Prefix of the registry's routable names, so that overlapping ones are refused at start. */
  prefix(name: string, binding: unknown): OtherSpace;
  /** Builds the adapter. May load its SDK lazily; makes no call. */
  open(context: OpenContext): ArtifactRegistry | Promise<ArtifactRegistry>;
}

export interface OpenContext {
  /** Name of the registry, as `images`. */
  readonly name: string;
  /** Validated by the service's schema. */
  readonly binding: unknown;
  /** Name spaces of the other registries that this process knows of. */
  readonly others: readonly OtherSpace[];
  readonly env: Environment;
}

export type Environment = Readonly<Record<string, string | undefined>>;
