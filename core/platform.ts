import type * as v from "valibot";
import type { OtherSpace } from "./names.ts";
import type { ArtifactRegistry } from "./registry.ts";

/** A platform as its folder's `index.ts` exports it, with one entry for each service that a binding may name. */
export interface Platform {
  readonly name: string;
  readonly services: Readonly<Record<string, Service>>;
  /**
   * Derives the binding of a registry that no variable binds. It follows the rule by which provisioning names things, so that a
   * registry that was provisioned at run time needs no new deployment.
   *
   * @returns undefined where the environment names no stack
   */
  deriveBinding?(name: string, env: Environment): Readonly<Record<string, unknown>> | undefined;
}

/** A kind of backing registry, and how a binding becomes an adapter for it. */
export interface Service<Schema extends v.GenericSchema = v.GenericSchema> {
  /** The schema of the binding's JSON, with `service`. */
  readonly binding: Schema;
  /** Tells the name space of a registry, so that registries that overlap are refused at start. */
  prefix(name: string, binding: v.InferOutput<Schema>, env: Environment): OtherSpace;
  /** Builds the adapter. It may load its SDK lazily, and makes no call. */
  open(context: OpenContext<v.InferOutput<Schema>>): ArtifactRegistry | Promise<ArtifactRegistry>;
}

/** What an adapter is built from. */
export interface OpenContext<Binding = unknown> {
  /** The name of the registry, as `images`. */
  readonly name: string;
  readonly binding: Binding;
  /** Whether the binding was derived from names alone. It then holds only if the registry carries our ownership tag. */
  readonly derived: boolean;
  /** Name spaces of the other registries that this process knows of. */
  readonly others: readonly OtherSpace[];
  readonly env: Environment;
}

/** The variables of a process, as `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Makes a service. It gives the functions of the service the type of its own binding. */
export function defineService<Schema extends v.GenericSchema>(service: Service<Schema>): Service {
  return service;
}

/** Names the variable that binds a registry. @example bindingVariable("my-images") // "ALIEN_MY_IMAGES_BINDING" */
export function bindingVariable(name: string): string {
  return `ALIEN_${name.replaceAll("-", "_").toUpperCase()}_BINDING`;
}

/** Names the registry that a variable binds, in lower case and with `-`. @returns undefined for a variable that binds none */
export function boundName(variable: string): string | undefined {
  return /^ALIEN_([A-Z0-9_]+)_BINDING$/.exec(variable)?.[1]?.toLowerCase().replaceAll("_", "-");
}
