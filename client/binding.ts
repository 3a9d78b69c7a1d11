import { ArtifactRegistryError } from "../core/errors.ts";
import { bindingVariable } from "../core/platform.ts";

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
  const binding = (json ?? {}) as FunctionBinding;
  const { service, url, platform, auth, provision, registryEndpoint, upstreamRepositoryPrefix } = binding;
  if (service !== "function") {
    throw refused(
      where,
      `binds the service "${service}", not a function.`,
      'Name the function with "service":"function"; pass {mode: "direct"}, or --direct on the command line, to run the adapter in this process.',
    );
  }
  if (!platformNames.includes(platform)) throw refused(where, `has no platform: one of ${platformNames.join(", ")}.`);
  const safe = "https, or http on this machine: tokens travel to it.";
  if (!isSafe(url) || /[?#]/.test(url))
    throw refused(where, "has no usable url.", `${safe} No user, query or fragment.`);
  if (provision !== undefined && !lambdaOf(provision) && !isSafe(provision)) {
    throw refused(where, "has no usable provision.", `A Lambda function's ARN, or a URL: ${safe}`);
  }
  if ((registryEndpoint === undefined) !== (upstreamRepositoryPrefix === undefined)) {
    throw refused(where, "has one of registryEndpoint and upstreamRepositoryPrefix: give both or none.");
  }
  if (registryEndpoint !== undefined && !URL.canParse(registryEndpoint)) {
    throw refused(where, "has no usable registryEndpoint.", "The registry's URL, as describeRegistry answers it.");
  }
  if (auth !== undefined) checkAuth(auth, where);
  return binding;
}

/** What each form needs: one of these. */
const needs: Readonly<Record<string, readonly string[]>> = {
  aws: [],
  gcp: [],
  azure: ["audience"],
  github: ["audience"],
  token: ["file", "variable"],
} satisfies Record<AuthOptions["type"], readonly string[]>;

function checkAuth(auth: AuthOptions | null, where: string): void {
  const type = auth?.type ?? "";
  const fields = Object.hasOwn(needs, type) ? needs[type] : undefined;
  if (!fields) throw refused(where, `has an unknown auth.type: one of ${Object.keys(needs).join(", ")}.`);
  const has = (field: string) => typeof (auth as unknown as Record<string, unknown>)[field] === "string";
  if (fields.length > 0 && !fields.some(has)) throw refused(where, `has an auth without ${fields.join(" or ")}.`);
}

/** The partition and region of a Lambda function's ARN. @returns undefined for what is none */
export function lambdaOf(arn: string): { readonly partition: string; readonly region: string } | undefined {
  const [, partition, region] = /^arn:(aws[a-z-]*):lambda:([a-z0-9-]+):/.exec(arn) ?? [];
  return partition && region ? { partition, region } : undefined;
}

/** Tokens travel to this URL: never in the clear over a network. */
function isSafe(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname, username, password } = new URL(url);
  // fetch takes none with a user in it.
  if (username || password) return false;
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

/**
 * @param field what the name is called where it is given
 * @throws INVALID_INPUT unless it is 1 to 64 characters of A-Z, a-z, 0-9, - and _
 */
export function checkRegistryName(name: string, field: "id" | "name"): void {
  if (typeof name === "string" && /^[A-Za-z0-9_-]{1,64}$/.test(name)) return;
  const message = `A registry's ${field} must be 1 to 64 characters of A-Z, a-z, 0-9, - and _.`;
  throw new ArtifactRegistryError("INVALID_INPUT", message, { context: { field } });
}
