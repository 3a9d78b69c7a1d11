import * as v from "valibot";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { validate } from "../../../core/operation.ts";
import type { Environment } from "../../../core/platform.ts";
import { repositoryId } from "../../../core/schemas.ts";
import { readSeconds, settingRefused } from "../../../core/server/process.ts";

/** What the environment sets for a run: which credentials to ask for, and which Secret holds them. */
export interface PullSecretSettings {
  readonly name: string;
  /** Where the Secret is; undefined means the pod's own namespace. */
  readonly namespace: string | undefined;
  /** Labels of the namespaces that have such a Secret each, in the place of one namespace. */
  readonly namespaceSelector: string | undefined;
  /** Whether a Secret that is not there is made. */
  readonly create: boolean;
  /** ServiceAccounts beside the Secret, whose pods are to pull with it. */
  readonly serviceAccounts: readonly string[];
  readonly registry: string;
  readonly repositories: readonly string[];
  /** The host in the references of the images. Credentials for another host are refused. */
  readonly host: string | undefined;
  readonly ttlSeconds: number | undefined;
  /** Seconds between two runs; undefined if no other run is announced. */
  readonly intervalSeconds: number | undefined;
  /** URL of the function to ask; undefined means the adapter in this process. */
  readonly functionUrl: string | undefined;
}

const repositoryList = v.pipe(v.array(repositoryId), v.minLength(1, "must name a repository"), v.maxLength(100));
// Kubernetes wants names as in RFC 1123. They are checked here because a name becomes part of a URL.
const label = "[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?";
const subdomain = new RegExp(`^${label}(?:\\.${label})*$`);
const accountList = v.pipe(
  v.array(v.pipe(v.string(), v.maxLength(253), v.regex(subdomain, "must be the name of a ServiceAccount"))),
  v.maxLength(20),
);

/** @throws BINDING_CONFIG_INVALID, which names the variable */
export function readPullSecretSettings(env: Environment): PullSecretSettings {
  const name = required(env, "PULL_SECRET_NAME");
  if (name.length > 253 || !subdomain.test(name)) {
    throw settingRefused("PULL_SECRET_NAME must be the name of a Secret.");
  }
  const namespace = env.PULL_SECRET_NAMESPACE || undefined;
  if (namespace !== undefined && !new RegExp(`^${label}$`).test(namespace)) {
    throw settingRefused("PULL_SECRET_NAMESPACE must be the name of a namespace.");
  }
  const namespaceSelector = env.PULL_SECRET_NAMESPACE_SELECTOR || undefined;
  if (namespace !== undefined && namespaceSelector !== undefined) {
    throw settingRefused("PULL_SECRET_NAMESPACE and PULL_SECRET_NAMESPACE_SELECTOR exclude each other.");
  }
  return {
    name,
    namespace,
    namespaceSelector,
    create: env.PULL_SECRET_CREATE === "true",
    serviceAccounts: listOf(env, "PULL_SECRET_SERVICE_ACCOUNTS", accountList, "names of ServiceAccounts"),
    registry: required(env, "PULL_SECRET_REGISTRY"),
    repositories: listOf(env, "PULL_SECRET_REPOSITORIES", repositoryList, "repository ids"),
    host: env.PULL_SECRET_HOST || undefined,
    ttlSeconds: optionalSeconds(env, "PULL_SECRET_TTL_SECONDS"),
    intervalSeconds: optionalSeconds(env, "PULL_SECRET_INTERVAL_SECONDS"),
    functionUrl: functionUrl(env),
  };
}

function required(env: Environment, variable: string): string {
  const text = env[variable];
  if (text === undefined || text === "") throw settingRefused(`${variable} is missing.`);
  return text;
}

function optionalSeconds(env: Environment, variable: string): number | undefined {
  return env[variable] ? readSeconds(env, variable, 0, { min: 1, max: 9_999_999 }) : undefined;
}

/** Reads a JSON list. A variable that is not set is an empty list, and refused where the list must not be empty. */
function listOf(env: Environment, variable: string, schema: typeof accountList | typeof repositoryList, what: string) {
  const { [variable]: text } = env;
  if (!text && schema === repositoryList) throw settingRefused(`${variable} is missing.`);
  try {
    return validate(schema, JSON.parse(text || "[]"));
  } catch (error) {
    const why = error instanceof ArtifactRegistryError ? error.message : "It is not JSON.";
    throw settingRefused(`${variable} must be a JSON list of ${what}. ${why}`);
  }
}

function functionUrl(env: Environment): string | undefined {
  const text = env.FUNCTION_URL || undefined;
  if (text === undefined) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) throw settingRefused("FUNCTION_URL must be an http or https URL.");
  const loopback = /^(?:127\.0\.0\.1|\[::1\]|localhost)$/.test(url.hostname);
  if (url.protocol === "http:" && !loopback && env.FUNCTION_PLAIN_HTTP !== "true") {
    throw settingRefused(
      "FUNCTION_URL must be an https URL: with http everybody on the way can read the token and the passwords.",
      "Set FUNCTION_PLAIN_HTTP=true to accept that.",
    );
  }
  return text.replace(/\/+$/, "");
}
