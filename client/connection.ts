import { authenticator, bearer, type Token } from "./auth/authenticator.ts";
import type { Authenticate } from "./auth/proof.ts";
import {
  checkBinding,
  checkRegistryName,
  type Environment,
  environment,
  type FunctionBinding,
  lambdaOf,
  readFunctionBinding,
} from "./binding.ts";
import { type CallOptions, post } from "./http.ts";
import type { OperationName, Operations } from "./types.ts";

/** A way to a registry's operations: a function over HTTP, or an adapter in this process. */
export interface Connection {
  /** The registry's name, as it is bound. */
  readonly registry: string;
  /** Known without asking, where the binding tells it. */
  readonly facts?: RegistryFacts;
  /** @throws ArtifactRegistryError */
  call<Name extends OperationName>(
    operation: Name,
    input: Operations[Name]["input"],
    options?: CallOptions,
  ): Promise<Operations[Name]["output"]>;
}

export interface RegistryFacts {
  /** URL of the registry, as image clients reach it. */
  readonly registryEndpoint: string;
  /** Path under which all its repositories live; may be empty. */
  readonly upstreamRepositoryPrefix: string;
}

export interface ConnectOptions extends CallOptions, Partial<Omit<FunctionBinding, "service">> {
  /** `function`, the default: over HTTP. `direct`: the adapter of the binding, in this process, under its own identity. */
  readonly mode?: "function" | "direct";
  /** A bearer token, or how to get one, instead of the platform's own authentication. */
  readonly token?: Token;
  /** Default: the process's. */
  readonly env?: Environment;
  /** Default: the global one. */
  readonly fetch?: typeof fetch;
}

/** Named in a variable, so that no bundler brings the adapters of five platforms to a program that calls a function. */
const directModule = "artifact-registry-functions/direct";
/** What that module exports: its declarations are made from this. */
export interface DirectModule {
  connectDirectly(registry: string, env: Environment, defaults: CallOptions): Promise<Connection>;
}

/**
 * @param registry name of the registry: 1 to 64 characters of A-Z, a-z, 0-9, - and _
 * @throws INVALID_INPUT for another name, BINDING_NOT_CONFIGURED, BINDING_CONFIG_INVALID
 */
export async function connect(registry: string, options: ConnectOptions = {}): Promise<Connection> {
  checkRegistryName(registry, "name");
  const { env = environment(), mode } = options;
  if (mode === "direct") {
    const { connectDirectly } = (await import(directModule)) as DirectModule;
    return connectDirectly(registry, env, options);
  }
  const { token, fetch: send, signal, timeoutMs, env: _, mode: __, ...given } = options;
  const bound = given.url === undefined ? readFunctionBinding(registry, env) : { platform: "kubernetes" };
  const binding = checkBinding({ ...bound, ...defined(given), service: "function" }, "The options' binding");
  const authenticate = token === undefined ? authenticator(binding, env) : bearer(token);
  return connectTo(registry, binding, authenticate, { fetch: send, signal, timeoutMs });
}

/** A registry behind a function, with a proof that is at hand. @param binding checked already */
export function connectTo(
  registry: string,
  binding: FunctionBinding,
  authenticate: Authenticate,
  { fetch: send = globalThis.fetch, signal, timeoutMs }: CallOptions & { fetch?: typeof fetch | undefined } = {},
): Connection {
  const { registryEndpoint, upstreamRepositoryPrefix } = binding;
  return {
    registry,
    ...(registryEndpoint !== undefined &&
      upstreamRepositoryPrefix !== undefined && { facts: { registryEndpoint, upstreamRepositoryPrefix } }),
    call(operation, input, more = {}) {
      const { url, body } = target(binding, operation, { registry, ...input });
      const limits = { signal: more.signal ?? signal, timeoutMs: more.timeoutMs ?? timeoutMs };
      // The function answers what its schemas say; the contract suite holds it to them.
      return post({ url, body, authenticate, fetch: send }, limits) as Promise<never>;
    },
  };
}

function defined(options: object): object {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

const provisioning: readonly OperationName[] = ["provisionRegistry", "deprovisionRegistry"];

/** The `provision` door is no HTTP API: it takes one payload, as the platforms' own invocation does. */
function target(binding: FunctionBinding, operation: OperationName, input: object): { url: string; body: string } {
  if (binding.provision === undefined || !provisioning.includes(operation)) {
    return { url: `${binding.url.replace(/\/$/, "")}/v1/${operation}`, body: JSON.stringify(input) };
  }
  return { url: invocationUrl(binding.provision), body: JSON.stringify({ operation, ...input }) };
}

function invocationUrl(provision: string): string {
  const lambda = lambdaOf(provision);
  if (lambda === undefined) return provision;
  const { partition, region } = lambda;
  const suffix = partition === "aws-cn" ? "amazonaws.com.cn" : "amazonaws.com";
  return `https://lambda.${region}.${suffix}/2015-03-31/functions/${encodeURIComponent(provision)}/invocations`;
}
