import { createApplication } from "../core/application.ts";
import { createDirectory } from "../core/bindings.ts";
import { doorCaller } from "../core/caller.ts";
import type { Door } from "../core/doors.ts";
import { ArtifactRegistryError } from "../core/errors.ts";
import { passingPageKey } from "../core/pages.ts";
import { bindingVariable, type Platform } from "../core/platform.ts";
import { allowEverything } from "../core/rules.ts";
import { fixedRules } from "../core/rules-source.ts";
import { missingPackage } from "./auth/proof.ts";
import { type Environment, invalidBinding } from "./binding.ts";
import type { Connection } from "./connection.ts";
import { type CallOptions, defaultTimeoutMs } from "./http.ts";
import { tryParseObject, withoutUndefined } from "./json.ts";

const caller = doorCaller("direct");

/** Lets every call in. Whoever runs the process decides what it does; only the rights of its own identity limit it. */
const door: Door = { name: "local", accepts: "invoke", admits: () => true, authenticate: async () => caller };

/**
 * Connects to a registry whose adapter runs in this process, under the process's own identity. This is for tools that
 * an operator runs: no access rules apply. Programs ask for it by `mode: "direct"`.
 *
 * @param defaults signal and timeout for calls that have none of their own
 * @throws BINDING_NOT_CONFIGURED, BINDING_CONFIG_INVALID
 *
 * @example
 * const { call } = await connectDirectly("images", process.env, { timeoutMs: 10_000 });
 * const { health } = await call("describeRegistry", {});
 */
export async function connectDirectly(name: string, env: Environment, defaults: CallOptions): Promise<Connection> {
  const platform = await platformOf(name, env);
  const rules = fixedRules(allowEverything(caller));
  // There is no credential cache: the identity that the SDK finds may change between two calls.
  const pages = passingPageKey();
  const directory = createDirectory(platform, onlyBindingOf(name, env), [name]);
  return {
    registry: name,
    async call(operation, input, { signal = defaults.signal, timeoutMs = defaults.timeoutMs } = {}) {
      const operationTimeoutMs = timeoutMs ?? defaultTimeoutMs;
      const application = createApplication({
        directory,
        rules,
        door,
        audit: () => {},
        errorLog: () => {},
        pages,
        operationTimeoutMs,
      });
      const answer = await application.run({
        operation,
        input: () => ({ registry: name, ...withoutUndefined(input) }),
        evidence: {},
        signal,
      });
      if (answer.ok) return answer.output as never;
      if (signal?.aborted) throw signal.reason;
      // An adapter loads some of its SDK at the first use. Its own error for a missing package is meant for a bundle.
      throw missingPackage(answer.error.cause) ?? answer.error;
    },
  };
}

/** Hides the bindings of other registries, which may belong to other platforms or to functions. */
function onlyBindingOf(name: string, env: Environment): Environment {
  const own = bindingVariable(name);
  return Object.fromEntries(Object.entries(env).filter(([key]) => key === own || !/^ALIEN_.+_BINDING$/.test(key)));
}

async function platformOf(name: string, env: Environment): Promise<Platform> {
  const { platforms } = await import("../platforms.ts");
  const variable = bindingVariable(name);
  const service = tryParseObject(env[variable])?.service;
  const entry = Object.values(platforms).find(({ services }) => (services as readonly unknown[]).includes(service));
  if (entry) {
    return entry.load().catch((error: unknown) => {
      throw missingPackage(error) ?? error;
    });
  }
  if (env[variable] === undefined) {
    throw new ArtifactRegistryError("BINDING_NOT_CONFIGURED", `No registry is bound under the name "${name}".`, {
      hint: `Set ${variable} to the binding that provisioning returned.`,
    });
  }
  const services = Object.values(platforms).flatMap((each) => each.services);
  throw invalidBinding(
    variable,
    "names no service that can run in this process.",
    `Services that can: ${services.join(", ")}.`,
  );
}
