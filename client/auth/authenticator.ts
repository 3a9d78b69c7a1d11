import { ArtifactRegistryError } from "../../core/errors.ts";
import { once } from "../../core/once.ts";
import type { AuthOptions, Environment, FunctionBinding } from "../binding.ts";
import type { Authenticate, Prove } from "./proof.ts";

/** A bearer token, or a function that returns one. The function is called for each try of a request. */
export type Token = string | ((signal: AbortSignal) => string | Promise<string>);

/**
 * Authenticates by a bearer token.
 *
 * @throws AUTHENTICATION_ERROR, from each request, for a token that no header can carry
 *
 * @example
 * const authenticate = bearer(() => readFile("/run/token", "utf8"));
 */
export function bearer(token: Token): Authenticate {
  return async ({ headers, signal }) => {
    const value = typeof token === "string" ? token : await token(signal);
    // fetch would refuse such a header with an error that looks like a network fault.
    if (/^[!-~]+$/.test(value)) return { ...headers, authorization: `Bearer ${value}` };
    throw new ArtifactRegistryError("AUTHENTICATION_ERROR", "The bearer token is empty or has spaces in it.", {
      hint: "Give it as it was issued, on one line and without quotation marks.",
    });
  };
}

/**
 * Authenticates each request with the proof that the caller has at that moment.
 *
 * @param send asks for what only a request can prove
 * @throws what `prover` throws, from each request
 *
 * @example
 * const authenticate = authenticator({ service: "function", url, platform: "aws" }, process.env, fetch);
 */
export function authenticator(binding: FunctionBinding, env: Environment, send: typeof fetch): Authenticate {
  const prove = prover(binding, env, send);
  return async (request) => (await prove(request.signal)).authenticate(request);
}

/**
 * Proves who calls in the form that a binding asks for, or else in the usual form of its platform. The code of each
 * form is loaded when it is first used.
 *
 * @throws AUTHENTICATION_ERROR, from each proof, when there is no identity; BINDING_CONFIG_INVALID when a package or a
 *   setting is missing
 *
 * @example
 * const { authenticate } = await prover(binding, process.env, fetch)(signal);
 */
export function prover(binding: FunctionBinding, env: Environment, send: typeof fetch): Prove {
  const options = binding.auth ?? defaultAuth(binding, env);
  const loaded = once(() => load(options, binding.url, env, send));
  return async (signal) => (await loaded())(signal);
}

async function load(options: AuthOptions, url: string, env: Environment, send: typeof fetch): Promise<Prove> {
  const identityTokens = () => import("./identity-tokens.ts");
  switch (options.type) {
    case "aws":
      return (await import("./aws.ts")).signV4(options, env);
    case "gcp":
      return byToken(await (await identityTokens()).idToken(options.audience ?? new URL(url).origin));
    case "azure":
      return byToken(await (await identityTokens()).entraToken(options));
    case "github":
      return byToken((await identityTokens()).workflowToken(options.audience, env, send));
    case "token":
      return byToken((await import("./token.ts")).mountedToken(options, env));
  }
}

function byToken(ask: (signal: AbortSignal) => Promise<string>): Prove {
  return async (signal) => {
    const token = await ask(signal);
    return { authenticate: bearer(token), secret: { token } };
  };
}

/** The file at which infra/kubernetes mounts a service-account token. */
export const tokenFile = "/var/run/secrets/artifact-registry/token";

function defaultAuth({ platform }: FunctionBinding, env: Environment): AuthOptions {
  switch (platform) {
    case "aws":
      return { type: "aws" };
    case "gcp":
      return { type: "gcp" };
    case "azure":
      return { type: "azure", audience: env.ALIEN_AUDIENCE ?? "" };
    case "kubernetes":
      return { type: "token", file: env.ALIEN_TOKEN_FILE ?? tokenFile };
    case "local":
      return { type: "token", variable: "ALIEN_CALLER_TOKEN" };
  }
}
