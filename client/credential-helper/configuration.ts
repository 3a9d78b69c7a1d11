import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { alsoPull, permissions, region, registryName, repositoryId, ttlSeconds } from "../../core/credential-fields.ts";
import { type Environment, invalidBinding } from "../binding.ts";
import { tryParseJson } from "../json.ts";

/**
 * Stores of operating systems, by the names that docker-credential-helpers gives them. None of them stores in the
 * clear.
 */
const stores = ["osxkeychain", "pass", "secretservice", "wincred"] as const;

const account = v.strictObject({
  registry: registryName,
  repository: repositoryId,
  permissions: v.optional(permissions, "pull"),
  ttlSeconds: v.optional(ttlSeconds),
  alsoPull: v.optional(alsoPull),
  region: v.optional(region),
  binding: v.optional(v.looseObject({ service: v.string() })),
});

const schema = v.strictObject({
  cache: v.optional(v.picklist(stores, `must be one of ${stores.join(", ")}`)),
  registries: v.pipe(
    v.record(
      v.pipe(
        v.string(),
        v.check((key) => placeOf(key) !== undefined, "must be a registry's host, or a path on it"),
      ),
      account,
    ),
    v.check((entries) => {
      const places = Object.keys(entries).map(placeOf);
      return new Set(places).size === places.length;
    }, "must name each place once"),
  ),
});

/** Which credentials the clients of one place get: those of one repository with one permission. */
export type Account = v.InferOutput<typeof account>;

/** What the file says that configures the helper. */
export interface Configuration {
  readonly file: string;
  /** Where minted credentials are kept between two runs. Without it they are not kept. */
  readonly cache: (typeof stores)[number] | undefined;
  /** By place: a host, or a host and a path. */
  readonly accounts: ReadonlyMap<string, Account>;
}

/**
 * Finds the file that configures the helper: that of `ALIEN_DOCKER_CREDENTIAL_CONFIG`; else
 * `docker-credential-alien.json` in the folder that `DOCKER_CONFIG` names, if it exists; else the user's own file.
 */
export function configurationFile(env: Environment): string {
  if (env.ALIEN_DOCKER_CREDENTIAL_CONFIG) return env.ALIEN_DOCKER_CREDENTIAL_CONFIG;
  const beside = env.DOCKER_CONFIG && join(env.DOCKER_CONFIG, "docker-credential-alien.json");
  if (beside && existsSync(beside)) return beside;
  const home = env.XDG_CONFIG_HOME || join(env.HOME || homedir(), ".config");
  return join(home, "alien", "docker-credential.json");
}

/** Reads that file. @throws BINDING_CONFIG_INVALID, which names the file and each field that is wrong, but no value */
export function readConfiguration(env: Environment): Configuration {
  const file = configurationFile(env);
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    throw invalidBinding(file, "cannot be read.", "docs/credential-helper.md says what it may hold.");
  }
  const json = tryParseJson(text);
  if (json === undefined)
    throw invalidBinding(file, "is not JSON.", "docs/credential-helper.md says what it may hold.");
  const result = v.safeParse(schema, json, { abortPipeEarly: true });
  if (!result.success) throw invalidBinding(file, `is wrong: ${result.issues.map(explain).join("; ")}.`);
  const { cache, registries } = result.output;
  const accounts = Object.entries(registries).map(([key, each]) => [placeOf(key) ?? key, each] as const);
  return { file, cache, accounts: new Map(accounts) };
}

/** Finds the account of the place that a client asks for: the one with the longest path that leads there. */
export function accountOf({ accounts }: Configuration, serverUrl: string): readonly [string, Account] | undefined {
  for (
    let place = placeOf(serverUrl) ?? "";
    place !== "";
    place = place.slice(0, Math.max(place.lastIndexOf("/"), 0))
  ) {
    const account = accounts.get(place);
    if (account !== undefined) return [place, account];
  }
  return undefined;
}

function explain(issue: v.BaseIssue<unknown>): string {
  const where = fieldOf(issue) || "the file";
  if (issue.expected === "never") return `${where} is not known`;
  if (issue.received === "undefined") return `${where} is missing`;
  return `${where} ${issue.message.startsWith("must") ? issue.message : `must be of type ${issue.expected}`}`;
}

/** Names a field. A host has dots in it, so it stands in brackets. */
function fieldOf(issue: v.BaseIssue<unknown>): string {
  const keys = (issue.path ?? []).map(({ key }) => String(key));
  return keys.map((key, index) => (/^\w+$/.test(key) ? `${index ? "." : ""}${key}` : `["${key}"]`)).join("");
}

/**
 * Reads a registry's host and the path on it, as `registry.example/team`. The paths of the registry's own API are none.
 *
 * @returns undefined for a text that names no host
 */
function placeOf(serverUrl: string): string | undefined {
  const path = /^(?:[a-z]+:\/\/)?[^/?#]+\/([^?#]*)/i.exec(serverUrl.trim())?.[1] ?? "";
  const host = hostOf(serverUrl);
  const segments = /^v[12]\/*$/.test(path) ? [] : path.split("/").filter(Boolean);
  return host === undefined ? undefined : [host, ...segments].join("/");
}

/**
 * Reads a registry's host in the form that image references have. Clients ask with `host`, `host:port`,
 * `https://host/v2/` or `host/repository`. Port 443 is left out, since `https` means it anyway.
 *
 * @returns undefined for a text that names no host
 */
export function hostOf(serverUrl: string): string | undefined {
  const [, scheme, authority = ""] = /^(?:([a-z]+):\/\/)?([^/?#]+)/i.exec(serverUrl.trim()) ?? [];
  const host = authority.toLowerCase();
  // What stands before an @ is not part of the host. No answer is better than one for another host.
  if (!/^(?:\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::\d{1,5})?$/.test(host)) return undefined;
  return scheme?.toLowerCase() === "http" ? host : host.replace(/:443$/, "");
}
