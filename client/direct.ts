import { createApplication } from "../core/application.ts";
import { createDirectory } from "../core/bindings.ts";
import { doorCaller } from "../core/caller.ts";
import type { Door } from "../core/doors.ts";
import { ArtifactRegistryError } from "../core/errors.ts";
import { bindingVariable, type Platform } from "../core/platform.ts";
import { allowEverything } from "../core/rules.ts";
import { missingPackage } from "./auth/proof.ts";
import { type Environment, refused } from "./binding.ts";
import type { Connection } from "./connection.ts";
import { type CallOptions, defaultTimeoutMs } from "./http.ts";

const caller = doorCaller("direct");

/** No door at all: whoever runs the process decides what it does, and its own identity is all that holds it. */
const door: Door = { name: "local", accepts: "invoke", admits: () => true, authenticate: async () => caller };

/**
 * A registry whose adapter runs in this process, under the process's own identity: for tools that an operator runs.
 * No rule is asked.
 *
 * @throws BINDING_NOT_CONFIGURED, BINDING_CONFIG_INVALID
 */
export async function connectDirectly(name: string, env: Environment, defaults: CallOptions): Promise<Connection> {
  const platform = await platformOf(name, env);
  const rules = allowEverything(caller);
  // No credential cache: the SDK decides which identity the process has, and that may change between two calls.
  const directory = createDirectory(platform, ownBinding(name, env), [name]);
  return {
    registry: name,
    async call(operation, input, { signal = defaults.signal, timeoutMs = defaults.timeoutMs } = {}) {
      const operationTimeoutMs = timeoutMs ?? defaultTimeoutMs;
      const application = createApplication({ directory, rules, door, audit: () => {}, operationTimeoutMs });
      const answer = await application.run({
        operation,
        input: () => ({ registry: name, ...withoutAbsent(input) }),
        evidence: {},
        signal,
      });
      if (answer.ok) return answer.output as never;
      if (signal?.aborted) throw signal.reason;
      // An adapter loads some of its SDK when it is used; what it makes of an absent one is meant for a bundle.
      throw missingPackage(answer.error.cause) ?? answer.error;
    },
  };
}

/** JSON leaves out what is undefined; here there is no JSON between. */
function withoutAbsent(input: object): object {
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined));
}

/** Without the other registries, which may be other platforms' or behind functions. */
function ownBinding(name: string, env: Environment): Environment {
  const mine = bindingVariable(name);
  return Object.fromEntries(Object.entries(env).filter(([key]) => key === mine || !/^ALIEN_.+_BINDING$/.test(key)));
}

async function platformOf(name: string, env: Environment): Promise<Platform> {
  const { platforms } = await import("../platforms.ts");
  const variable = bindingVariable(name);
  const service = serviceOf(env[variable]);
  const entry = Object.values(platforms).find(({ services }) =>
    (services as readonly string[]).includes(service ?? ""),
  );
  if (entry) {
    return entry.load().catch((error: unknown) => {
      throw missingPackage(error) ?? error;
    });
  }
  if (env[variable] === undefined) {
    throw new ArtifactRegistryError("BINDING_NOT_CONFIGURED", `No registry is bound under the name "${name}".`, {
      hint: `Set ${variable} to the binding that provisioning answered.`,
    });
  }
  const services = Object.values(platforms).flatMap((each) => each.services);
  throw refused(variable, "names no service that can run in this process.", `One of ${services.join(", ")}.`);
}

function serviceOf(text: string | undefined): string | undefined {
  try {
    return (JSON.parse(text ?? "") as { service?: string }).service;
  } catch {
    return undefined;
  }
}
