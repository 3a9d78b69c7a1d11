import * as v from "valibot";
import { ArtifactRegistryError } from "./errors.ts";
import { LruMap } from "./lru-map.ts";
import { type OtherSpace, overlappingPrefixes } from "./names.ts";
import { type Once, once } from "./once.ts";
import { validate } from "./operation.ts";
import { bindingVariable, type Environment, type Platform, type Service } from "./platform.ts";
import type { ArtifactRegistry } from "./registry.ts";

/** Knows the registries that this process serves, and opens each of them at its first use. */
export interface RegistryDirectory {
  /** The registries whose names are known before anybody asks: bound, listed, or named in a rule. */
  names(): readonly string[];
  /**
   * Opens the registry of a name. A registry that could not be opened is tried again at its next use.
   *
   * @throws BINDING_NOT_CONFIGURED when nothing binds the name
   * @throws BINDING_CONFIG_INVALID when what binds it cannot be used
   */
  open(name: string): Promise<ArtifactRegistry>;
}

interface Bound {
  readonly name: string;
  readonly variable: string;
  readonly service: Service;
  readonly binding: unknown;
  readonly derived: boolean;
  readonly space: OtherSpace;
}

const anyBinding = v.looseObject({ service: v.string() });

/**
 * Reads and checks every binding at start, so that a mistake shows before the first call.
 *
 * @param env holds a binding as JSON in `ALIEN_{NAME}_BINDING`, for each registry
 * @param names registries known by name (from `ALIEN_REGISTRIES`, the access rules, a default). A bound registry that
 *   is not among them has its variable's name, in lower case and with `-`.
 * @param wrap decorates each adapter as it is opened, for example with a cache
 * @throws BINDING_CONFIG_INVALID for a binding that cannot be read, for prefixes that overlap, and for two names that share a
 *   variable
 *
 * @example
 * const directory = createDirectory(platform, process.env, ["images"], withCredentialCache);
 * const registry = await directory.open("images");
 */
export function createDirectory(
  platform: Platform,
  env: Environment,
  names: readonly string[] = [],
  wrap: (name: string, registry: ArtifactRegistry) => ArtifactRegistry = (_name, registry) => registry,
): RegistryDirectory {
  const bound = new Map<string, Bound>();
  const variables = nameVariables(env, names);
  for (const [variable, name] of variables) {
    const text = env[variable];
    if (text !== undefined) bound.set(variable, readBinding(platform, variable, name, text, env));
  }
  refuseOverlap([...bound.values()]);

  // Bounded, because callers choose the names of derived registries.
  const opened = new LruMap<string, Once<ArtifactRegistry>>(1_000);
  const open = async ({ name, variable, binding, service, derived }: Bound): Promise<ArtifactRegistry> => {
    const others = [...bound.values()].filter((other) => other.variable !== variable).map((other) => other.space);
    return wrap(name, await service.open({ name, binding, derived, others, env }));
  };
  const derive = (name: string, variable: string): Bound | undefined => {
    const binding = platform.deriveBinding?.(name, env);
    if (binding === undefined) return undefined;
    const entry = { ...readBinding(platform, variable, name, JSON.stringify(binding), env), derived: true };
    refuseOverlap([...bound.values(), entry]);
    return entry;
  };
  return {
    names: () => [...variables.values()],
    async open(name) {
      const known = opened.get(name);
      if (known) return known();
      const variable = bindingVariable(name);
      const entry = bound.get(variable) ?? derive(name, variable);
      if (!entry) {
        throw new ArtifactRegistryError("BINDING_NOT_CONFIGURED", `No registry is bound under the name "${name}".`, {
          hint: `Set ${variable} to the binding that provisioning answered.`,
          context: { field: "registry" },
        });
      }
      if (entry.name !== name) throw sharedVariable(entry.name, name, variable);
      const opening = once(() => open(entry));
      opened.set(name, opening);
      return opening();
    },
  };
}

/** Maps each variable to the name it stands for. Two names for one variable would be two registries with one binding. */
function nameVariables(env: Environment, names: readonly string[]): Map<string, string> {
  const result = new Map<string, string>();
  for (const name of names) {
    const variable = bindingVariable(name);
    const taken = result.get(variable);
    if (taken !== undefined && taken !== name) throw sharedVariable(taken, name, variable);
    result.set(variable, name);
  }
  for (const variable of Object.keys(env)) {
    const middle = /^ALIEN_([A-Z0-9_]+)_BINDING$/.exec(variable)?.[1];
    if (middle !== undefined && !result.has(variable)) {
      result.set(variable, middle.toLowerCase().replaceAll("_", "-"));
    }
  }
  return result;
}

/**
 * Reads the binding of one registry.
 *
 * @param variable the variable that the binding came from, for the errors
 * @param text JSON with a `service` of the platform, and the fields of that service
 * @throws BINDING_CONFIG_INVALID naming the variable and the first field that is wrong
 */
function readBinding(platform: Platform, variable: string, name: string, text: string, env: Environment): Bound {
  const refuse = (why: string, cause?: unknown) =>
    new ArtifactRegistryError("BINDING_CONFIG_INVALID", `${variable}: ${why}`, {
      hint: `Expected JSON with "service": ${Object.keys(platform.services)
        .map((each) => `"${each}"`)
        .join(" or ")}.`,
      context: { variable },
      cause,
    });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw refuse("it is not JSON.", error);
  }
  try {
    const { service: serviceName } = validate(anyBinding, json);
    const service = Object.hasOwn(platform.services, serviceName) ? platform.services[serviceName] : undefined;
    if (!service) throw refuse(`the ${platform.name} platform has no service "${serviceName}".`);
    const binding = validate(service.binding, json);
    return { name, variable, service, binding, derived: false, space: service.prefix(name, binding, env) };
  } catch (error) {
    if (error instanceof ArtifactRegistryError && error.code === "INVALID_INPUT") throw refuse(error.message, error);
    throw error;
  }
}

function refuseOverlap(bound: readonly Bound[]): void {
  const pair = overlappingPrefixes(new Map(bound.map(({ name, space }) => [name, space.prefix])));
  if (!pair) return;
  throw new ArtifactRegistryError(
    "BINDING_CONFIG_INVALID",
    `The prefixes of the registries "${pair[0]}" and "${pair[1]}" overlap: a repository could belong to both.`,
    { hint: "No prefix may equal another or extend it by - or /." },
  );
}

function sharedVariable(one: string, other: string, variable: string): ArtifactRegistryError {
  return new ArtifactRegistryError(
    "BINDING_CONFIG_INVALID",
    `"${one}" and "${other}" share the variable ${variable}.`,
    {
      hint: 'Rename one of them; name the one that is meant in ALIEN_REGISTRIES, as "images,my_builds".',
      context: { variable },
    },
  );
}
