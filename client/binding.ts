import { ArtifactRegistryError, invalidInput } from "../core/errors.ts";
import { bindingVariable } from "../core/platform.ts";
import { tryParseJson } from "./json.ts";

/**
 * Says where a registry's function is and how to prove who calls. It is the JSON of `ALIEN_{NAME}_BINDING`; programs may
 * give its fields as options instead.
 *
 * @example
 * const binding: FunctionBinding = { service: "function", url: "https://registry.example", platform: "kubernetes" };
 */
export interface FunctionBinding {
  readonly service: "function";
  /** URL of the function's HTTP door; `/v1/{operation}` is appended to it. */
  readonly url: string;
  /** Where the function runs. It decides the form of authentication where `auth` does not. */
  readonly platform: PlatformName;
  readonly auth?: AuthOptions;
  /** PEM file of the CAs to trust, instead of those that Node brings, when the function is called. */
  readonly caFile?: string;
  /**
   * The function behind the `provision` door, where that is another function: the ARN of a Lambda function, or a URL.
   * Its payload is the operation's input and the field `operation`.
   */
  readonly provision?: string;
  /** With the endpoint and the prefix given, connecting makes no call. Give both or neither. */
  readonly registryEndpoint?: string;
  readonly upstreamRepositoryPrefix?: string;
}

/** Where a function can run. */
export const platformNames = ["aws", "gcp", "azure", "kubernetes", "local"] as const;
export type PlatformName = (typeof platformNames)[number];

/**
 * How to prove who calls:
 * - `aws`: SigV4 with the credentials that the AWS SDK finds; `region` is needed where the URL does not name it, and `profile`
 *   is one of the AWS configuration
 * - `gcp`: an ID token for `audience`, which is the function's URL by default
 * - `azure`: an Entra token for `audience`, the application ID URI of the function's App Service authentication
 * - `github`: the workflow's own OIDC token for `audience`
 * - `token`: a bearer token from an environment variable, or from a file that is read for each request
 */
export type AuthOptions =
  | { readonly type: "aws"; readonly region?: string; readonly profile?: string }
  | { readonly type: "gcp"; readonly audience?: string }
  | { readonly type: "azure"; readonly audience: string; readonly clientId?: string }
  | { readonly type: "github"; readonly audience: string }
  | { readonly type: "token"; readonly file: string }
  | { readonly type: "token"; readonly variable: string };

/** Environment variables, by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the binding of a registry from its variable.
 *
 * @throws BINDING_NOT_CONFIGURED when the variable is not set, BINDING_CONFIG_INVALID when it does not bind a function
 */
export function readFunctionBinding(registry: string, env: Environment): FunctionBinding {
  const variable = bindingVariable(registry);
  const text = env[variable];
  if (text === undefined) {
    throw new ArtifactRegistryError("BINDING_NOT_CONFIGURED", `No function is bound for the registry "${registry}".`, {
      hint: `Set ${variable} to {"service":"function","url":…,"platform":…}, or pass url and platform.`,
    });
  }
  const json = tryParseJson(text);
  if (json === undefined) throw invalidBinding(variable, "is not JSON.");
  return checkBinding(json, variable);
}

/**
 * Checks a binding.
 *
 * @param json the binding, parsed
 * @param where names the binding in errors
 * @returns the same binding
 * @throws BINDING_CONFIG_INVALID
 */
export function checkBinding(json: unknown, where: string): FunctionBinding {
  const binding = (json ?? {}) as FunctionBinding;
  const { service, url, platform, auth, provision, registryEndpoint, upstreamRepositoryPrefix } = binding;
  if (service !== "function") {
    throw invalidBinding(
      where,
      `binds the service "${service}", not a function.`,
      'Use "service":"function", or run the adapter in this process with {mode: "direct"} or --direct.',
    );
  }
  if (!platformNames.includes(platform))
    throw invalidBinding(where, `has no known platform. Use one of ${platformNames.join(", ")}.`);
  const safe = "Use https, or http on this machine.";
  if (!isSafeForTokens(url) || /[?#]/.test(url))
    throw invalidBinding(where, "has no usable url.", `${safe} No user, query or fragment.`);
  if (provision !== undefined && !parseLambdaArn(provision) && !isSafeForTokens(provision)) {
    throw invalidBinding(where, "has no usable provision.", `Give a Lambda function's ARN or a URL. ${safe}`);
  }
  if ((registryEndpoint === undefined) !== (upstreamRepositoryPrefix === undefined)) {
    throw invalidBinding(where, "has only one of registryEndpoint and upstreamRepositoryPrefix. Give both or neither.");
  }
  if (registryEndpoint !== undefined && !URL.canParse(registryEndpoint)) {
    throw invalidBinding(
      where,
      "has no usable registryEndpoint.",
      "Give the registry's URL as describeRegistry returns it.",
    );
  }
  if (auth !== undefined) checkAuth(auth, where);
  return binding;
}

/** For each form of authentication, the fields of which it needs at least one. */
const requiredFields: Readonly<Record<string, readonly string[]>> = {
  aws: [],
  gcp: [],
  azure: ["audience"],
  github: ["audience"],
  token: ["file", "variable"],
} satisfies Record<AuthOptions["type"], readonly string[]>;

function checkAuth(auth: AuthOptions | null, where: string): void {
  const type = auth?.type ?? "";
  const fields = Object.hasOwn(requiredFields, type) ? requiredFields[type] : undefined;
  if (!fields)
    throw invalidBinding(where, `has an unknown auth.type. Use one of ${Object.keys(requiredFields).join(", ")}.`);
  const has = (field: string) => typeof (auth as unknown as Record<string, unknown>)[field] === "string";
  if (fields.length > 0 && !fields.some(has))
    throw invalidBinding(where, `has an auth without ${fields.join(" or ")}.`);
}

/** Reads the partition and the region from the ARN of a Lambda function. @returns undefined for anything else */
export function parseLambdaArn(arn: string): { readonly partition: string; readonly region: string } | undefined {
  const [, partition, region] = /^arn:(aws[a-z-]*):lambda:([a-z0-9-]+):/.exec(arn) ?? [];
  return partition && region ? { partition, region } : undefined;
}

/** Whether a token may be sent to this URL. A token never crosses a network in the clear. */
function isSafeForTokens(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname, username, password } = new URL(url);
  // fetch refuses a URL with a user in it.
  if (username || password) return false;
  if (protocol === "https:") return true;
  // Inside a cluster it is often the network, such as a service mesh, that encrypts.
  return protocol === "http:" && /^(localhost|127(\.\d+){3}|\[::1\]|.*\.svc(\.cluster\.local)?)$/.test(hostname);
}

/** Makes the error for a binding that cannot be used. @param where begins its message @param why ends its message */
export function invalidBinding(where: string, why: string, hint?: string): ArtifactRegistryError {
  return new ArtifactRegistryError("BINDING_CONFIG_INVALID", `${where} ${why}`, { hint });
}

/**
 * Checks the name of a registry.
 *
 * @param field what the caller calls the name; errors say it
 * @throws INVALID_INPUT unless it is 1 to 64 characters of A-Z, a-z, 0-9, - and _
 */
export function checkRegistryName(name: string, field: "id" | "name"): void {
  if (typeof name === "string" && /^[A-Za-z0-9_-]{1,64}$/.test(name)) return;
  throw invalidInput(`A registry's ${field} must be 1 to 64 characters of A-Z, a-z, 0-9, - and _.`, field);
}
