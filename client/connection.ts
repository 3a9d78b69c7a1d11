import { authenticator, bearer, type Token } from "./auth/authenticator.ts";
import type { Authenticate } from "./auth/proof.ts";
import {
  checkBinding,
  checkRegistryName,
  type Environment,
  type FunctionBinding,
  invalidBinding,
  parseLambdaArn,
  readFunctionBinding,
} from "./binding.ts";
import { type CallOptions, post } from "./http.ts";
import { withoutUndefined } from "./json.ts";
import type { OperationName, Operations } from "./types.ts";
import { importUnbundled } from "./unbundled.ts";

/** Calls the operations of a registry: those of a function over HTTP, or those of an adapter in this process. */
export interface Connection {
  /** The name under which the registry is bound. */
  readonly registry: string;
  /** Present where the binding says them, so that no call is needed. */
  readonly facts?: RegistryFacts;
  /** Calls one operation. @throws ArtifactRegistryError, or the reason of the caller's own signal */
  call<Name extends OperationName>(
    operation: Name,
    input: Operations[Name]["input"],
    options?: CallOptions,
  ): Promise<Operations[Name]["output"]>;
}

/** What `artifact-registry-functions/fetch` exports. */
export interface FetchModule {
  createFetch(env: Environment, caFile?: string): typeof fetch;
}

/**
 * Finds the `fetch` for a binding. The global one does, unless it knows neither the environment's proxies nor the CAs.
 *
 * @throws BINDING_CONFIG_INVALID in a bundle that knows no `caFile`, since the package is not installed beside it
 */
export async function fetchFor({ caFile }: Pick<FunctionBinding, "caFile">, env: Environment): Promise<typeof fetch> {
  // Deno and Bun know the proxies by themselves.
  const isProxied =
    globalThis.navigator?.userAgent.startsWith("Node") && Object.keys(env).some((name) => /^https?_proxy$/i.test(name));
  if (!caFile && !isProxied) return globalThis.fetch;
  const own = await importUnbundled("artifact-registry-functions/fetch").catch(() => undefined);
  if (own) return (own as FetchModule).createFetch(env, caFile);
  // In a bundle, only what is installed beside it knows CAs. Node itself knows proxies where NODE_USE_ENV_PROXY says so.
  if (caFile) throw invalidBinding("caFile", "needs this package installed beside the bundle.");
  return globalThis.fetch;
}

/** What every program needs to know about a registry. */
export interface RegistryFacts {
  /** URL at which image clients reach the registry. */
  readonly registryEndpoint: string;
  /** Path under which all repositories of the registry live; may be empty. */
  readonly upstreamRepositoryPrefix: string;
}

/**
 * How to reach a registry. Without `url` and `platform` its variable `ALIEN_{NAME}_BINDING` is read; a field that is
 * given here replaces that of the variable.
 *
 * @example
 * await artifactRegistry("images", { url: "https://registry.example", platform: "gcp", timeoutMs: 10_000 });
 *
 * @example
 * // Runs the adapter in this process, under the process's own identity:
 * await artifactRegistry("images", { mode: "direct" });
 */
export interface ConnectOptions extends CallOptions, Partial<Omit<FunctionBinding, "service">> {
  /**
   * `function`, the default, calls a function over HTTP. `direct` runs the binding's adapter in this process, under the
   * process's own identity.
   */
  readonly mode?: "function" | "direct";
  /** A bearer token, or a function that returns one, instead of the platform's own authentication. */
  readonly token?: Token;
  /** The environment that is read. Default: that of the process, or an empty one where there is no process. */
  readonly env?: Environment;
  /** Sends the requests. Default: the global `fetch`, or one of our own where the environment names a proxy or the binding CAs. */
  readonly fetch?: typeof fetch;
}

/** What `artifact-registry-functions/direct` exports, which has the adapters of five platforms. The declarations of the package are made from this. */
export interface DirectModule {
  connectDirectly(registry: string, env: Environment, defaults: CallOptions): Promise<Connection>;
}

/**
 * Connects to a registry, for callers that name operations themselves; `artifactRegistry` has a method for each. Makes
 * no call.
 *
 * @param registry name of the registry: 1 to 64 characters of A-Z, a-z, 0-9, - and _
 * @throws INVALID_INPUT for another name, BINDING_NOT_CONFIGURED, BINDING_CONFIG_INVALID
 *
 * @example
 * const { call } = await connect("images");
 * const { health } = await call("describeRegistry", {});
 */
export async function connect(registry: string, options: ConnectOptions = {}): Promise<Connection> {
  checkRegistryName(registry, "name");
  const { env = globalThis.process?.env ?? {}, mode } = options;
  if (mode === "direct") {
    const { connectDirectly } = (await importUnbundled("artifact-registry-functions/direct")) as DirectModule;
    return connectDirectly(registry, env, options);
  }
  const { token, fetch, signal, timeoutMs, env: _, mode: __, ...given } = options;
  const bound = given.url === undefined ? readFunctionBinding(registry, env) : { platform: "kubernetes" };
  const binding = checkBinding({ ...bound, ...withoutUndefined(given), service: "function" }, "The options' binding");
  const send = fetch ?? (await fetchFor(binding, env));
  const authenticate = token === undefined ? authenticator(binding, env, send) : bearer(token);
  return connectTo(registry, binding, authenticate, { fetch: send, signal, timeoutMs });
}

/** Connects to a function with a proof that the caller has already. @param binding must have passed `checkBinding` */
export function connectTo(
  registry: string,
  binding: FunctionBinding,
  authenticate: Authenticate,
  { fetch: send, signal, timeoutMs }: CallOptions & { fetch: typeof fetch },
): Connection {
  const { registryEndpoint, upstreamRepositoryPrefix } = binding;
  return {
    registry,
    ...(registryEndpoint !== undefined &&
      upstreamRepositoryPrefix !== undefined && { facts: { registryEndpoint, upstreamRepositoryPrefix } }),
    call(operation, input, more = {}) {
      const { url, body } = requestOf(binding, operation, { registry, ...input });
      const limits = { signal: more.signal ?? signal, timeoutMs: more.timeoutMs ?? timeoutMs };
      // The contract suite checks that functions answer what their schemas say.
      return post({ url, body, authenticate, fetch: send }, limits) as Promise<never>;
    },
  };
}

const provisioning: readonly OperationName[] = ["provisionRegistry", "deprovisionRegistry"];

/** The `provision` door has no HTTP API. It takes one payload, as the platforms' own invocation does. */
function requestOf(binding: FunctionBinding, operation: OperationName, input: object): { url: string; body: string } {
  if (binding.provision === undefined || !provisioning.includes(operation)) {
    return { url: `${binding.url.replace(/\/$/, "")}/v1/${operation}`, body: JSON.stringify(input) };
  }
  return { url: invocationUrl(binding.provision), body: JSON.stringify({ operation, ...input }) };
}

function invocationUrl(provision: string): string {
  const lambda = parseLambdaArn(provision);
  if (lambda === undefined) return provision;
  const { partition, region } = lambda;
  const suffix = partition === "aws-cn" ? "amazonaws.com.cn" : "amazonaws.com";
  return `https://lambda.${region}.${suffix}/2015-03-31/functions/${encodeURIComponent(provision)}/invocations`;
}
