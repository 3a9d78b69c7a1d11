import { bindingVariable } from "../core/binding-variable.ts";
import { ArtifactRegistryError } from "../core/errors.ts";

/** Where a registry's function is, and how to prove who calls. JSON of `ALIEN_{NAME}_BINDING`, or options. */
export interface FunctionBinding {
  readonly service: "function";
  /** URL of the function's HTTP door; `/v1/{operation}` is put behind it. */
  readonly url: string;
  /** Where the function runs: tells the form of authentication where `auth` does not. */
  readonly platform: PlatformName;
  readonly auth?: AuthOptions;
  /**
   * The function behind the `provision` door, where that is another: the ARN or URL that takes the operation's input with
   * `operation` in it. On AWS it is the ARN of a Lambda function.
   */
  readonly provision?: string;
  /** Known already, so that connecting asks nothing. Give both or none. */
  readonly registryEndpoint?: string;
  readonly upstreamRepositoryPrefix?: string;
}

export const platformNames = ["aws", "gcp", "azure", "kubernetes", "local"] as const;
export type PlatformName = (typeof platformNames)[number];

/**
 * How to prove who calls:
 * - `aws`: SigV4 with the credentials that the AWS SDK finds; `region` where the URL does not tell it
 * - `gcp`: an ID token for the function's URL, or for `audience`
 * - `azure`: an Entra token for `audience` (the application ID URI of the function's App Service authentication)
 * - `github`: the workflow's own OIDC token for `audience`
 * - `token`: a bearer token from a file, read anew for each request, or from an environment variable
 */
export type AuthOptions =
  | { readonly type: "aws"; readonly region?: string }
  | { readonly type: "gcp"; readonly audience?: string }
  | { readonly type: "azure"; readonly audience: string; readonly clientId?: string }
  | { readonly type: "github"; readonly audience: string }
  | { readonly type: "token"; readonly file: string }
  | { readonly type: "token"; readonly variable: string };

export type Environment = Readonly<Record<string, string | undefined>>;

/** The process's environment, where there is one. */
export function environment(): Environment {
  return globalThis.process?.env ?? {};
}

/**
 * The binding of a registry, from its variable.
 *
 * @throws BINDING_NOT_CONFIGURED when the variable is not set, BINDING_CONFIG_INVALID when it is no function's binding
 */
export function readFunctionBinding(registry: string, env: Environment): FunctionBinding {
  const variable = bindingVariable(registry);
  const text = env[variable];
  if (text === undefined) {
    throw new ArtifactRegistryError("BINDING_NOT_CONFIGURED", `No function is bound for the registry "${registry}".`, {
      hint: `Set ${variable} to {"service":"function","url":…,"platform":…}, or pass url and platform.`,
    });
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw refused(variable, "is not JSON.");
  }
  return checkBinding(json, variable);
}

/** @param where names the binding in errors @throws BINDING_CONFIG_INVALID */
export function checkBinding(json: unknown, where: string): FunctionBinding {
  const { service, url, platform, auth, registryEndpoint, upstreamRepositoryPrefix } = (json ?? {}) as FunctionBinding;
  if (service !== "function") {
    throw refused(
      where,
      `binds the service "${service}", not a function.`,
      'Name the function with "service":"function"; pass {mode: "direct"}, or --direct on the command line, to run the adapter in this process.',
    );
  }
  if (!platformNames.includes(platform)) throw refused(where, `has no platform: one of ${platformNames.join(", ")}.`);
  if (!URL.canParse(url) || !isSafe(new URL(url))) {
    throw refused(where, "has no usable url.", "https, or http on this machine: tokens travel to it.");
  }
  if ((registryEndpoint === undefined) !== (upstreamRepositoryPrefix === undefined)) {
    throw refused(where, "has one of registryEndpoint and upstreamRepositoryPrefix: give both or none.");
  }
  const types = ["aws", "gcp", "azure", "github", "token"];
  if (auth !== undefined && !types.includes(auth.type)) {
    throw refused(where, `has an unknown auth.type: one of ${types.join(", ")}.`);
  }
  return json as FunctionBinding;
}

/** Tokens travel to this URL: never in the clear over a network. */
function isSafe({ protocol, hostname }: URL): boolean {
  if (protocol === "https:") return true;
  return protocol === "http:" && (/^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname) || isInCluster(hostname));
}

/** Inside a cluster TLS is often the network's own affair. */
function isInCluster(hostname: string): boolean {
  return hostname.endsWith(".svc") || hostname.endsWith(".svc.cluster.local");
}

export function refused(where: string, why: string, hint?: string): ArtifactRegistryError {
  return new ArtifactRegistryError("BINDING_CONFIG_INVALID", `${where} ${why}`, hint === undefined ? {} : { hint });
}
