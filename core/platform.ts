import type * as v from "valibot";
import type { OtherSpace } from "./names.ts";
import type { ArtifactRegistry } from "./registry.ts";

/** What a platform's folder exports from its `index.ts`: one entry for each service that a binding may name. */
export interface Platform {
  readonly name: string;
  readonly services: Readonly<Record<string, Service>>;
  /**
   * The binding of a registry that no variable binds, by the naming rule of provisioning, so that what was provisioned
   * at run time needs no new deployment.
   *
   * @returns undefined where the environment names no stack
   */
  deriveBinding?(name: string, env: Environment): Readonly<Record<string, unknown>> | undefined;
}

/** A kind of backing registry, and how an adapter for it is made from a binding. */
export interface Service<Schema extends v.GenericSchema = v.GenericSchema> {
  /** Schema of the binding's JSON, `service` included. */
  readonly binding: Schema;
  /** The name space of a registry, so that overlapping ones are refused at start. */
  prefix(name: string, binding: v.InferOutput<Schema>, env: Environment): OtherSpace;
  /** Builds the adapter. May load its SDK lazily; makes no call. */
  open(context: OpenContext<v.InferOutput<Schema>>): ArtifactRegistry | Promise<ArtifactRegistry>;
}

export interface OpenContext<Binding = unknown> {
  /** Name of the registry, as `images`. */
  readonly name: string;
  readonly binding: Binding;
  /** Whether the binding was derived from names alone: it holds only where the registry carries our ownership tag. */
  readonly derived: boolean;
  /** Name spaces of the other registries that this process knows of. */
  readonly others: readonly OtherSpace[];
  readonly env: Environment;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Lets the functions of a service see the type of its own binding. */
export function defineService<Schema extends v.GenericSchema>(service: Service<Schema>): Service {
  return service;
}

/** The variable that binds a registry: `my-images` is bound by `ALIEN_MY_IMAGES_BINDING`. */
export function bindingVariable(name: string): string {
  return `ALIEN_${name.replaceAll("-", "_").toUpperCase()}_BINDING`;
}
