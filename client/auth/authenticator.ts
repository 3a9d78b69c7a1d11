import { ArtifactRegistryError } from "../../core/errors.ts";
import { once } from "../../core/once.ts";
import type { AuthOptions, Environment, FunctionBinding } from "../binding.ts";
import type { Authenticate, Prove } from "./proof.ts";

/** A token, or how to get one; asked for at each try. */
export type Token = string | ((signal: AbortSignal) => string | Promise<string>);

/** Proves it by a bearer token. */
export function bearer(token: Token): Authenticate {
  return async ({ headers, signal }) => {
    const value = typeof token === "string" ? token : await token(signal);
    // What a header cannot carry fetch would refuse as if nobody could be reached.
    if (/^[!-~]+$/.test(value)) return { ...headers, authorization: `Bearer ${value}` };
    throw new ArtifactRegistryError(
      "AUTHENTICATION_ERROR",
      "The bearer token is none: it is empty, or has spaces in it.",
      {
        hint: "Give it as it was made, on one line and without quotation marks.",
      },
    );
  };
}

/** Authenticates each request by the proof that `prover` finds at that moment. */
export function authenticator(binding: FunctionBinding, env: Environment): Authenticate {
  const prove = prover(binding, env);
  return async (request) => (await prove(request.signal)).authenticate(request);
}

/** The form of authentication that a binding asks for, or that fits its platform. Each is loaded when it is used. */
export function prover(binding: FunctionBinding, env: Environment): Prove {
  const options = binding.auth ?? usual(binding, env);
  const loaded = once(() => load(options, binding.url, env));
  return async (signal) => (await loaded())(signal);
}

async function load(options: AuthOptions, url: string, env: Environment): Promise<Prove> {
  switch (options.type) {
    case "aws":
      return (await import("./aws.ts")).signV4(options, env);
    case "gcp":
      return byToken(await (await import("./identity-tokens.ts")).idToken(options.audience ?? new URL(url).origin));
    case "azure":
      return byToken(await (await import("./identity-tokens.ts")).entraToken(options));
    case "github":
      return byToken((await import("./identity-tokens.ts")).workflowToken(options.audience, env));
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

/** Where a mounted service-account token is looked for, as infra/kubernetes mounts it. */
export const tokenFile = "/var/run/secrets/artifact-registry/token";

function usual({ platform }: FunctionBinding, env: Environment): AuthOptions {
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
