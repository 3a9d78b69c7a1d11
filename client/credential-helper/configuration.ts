import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { permissions, registryName, repositoryId, ttlSeconds } from "../../core/schemas.ts";
import { type Environment, refused } from "../binding.ts";

/** Stores of operating systems, by the names that docker-credential-helpers gives them. None writes in clear. */
const stores = ["osxkeychain", "pass", "secretservice", "wincred"] as const;

const account = v.strictObject({
  registry: registryName,
  repository: repositoryId,
  permissions: v.optional(permissions, "pull"),
  ttlSeconds: v.optional(ttlSeconds),
  binding: v.optional(v.looseObject({ service: v.string() })),
});

const schema = v.strictObject({
  cache: v.optional(v.picklist(stores, `must be one of ${stores.join(", ")}`)),
  registries: v.pipe(
    v.record(
      v.pipe(
        v.string(),
        v.check((key) => hostOf(key) !== undefined, "must be a registry's host"),
      ),
      account,
    ),
    v.check((entries) => {
      const hosts = Object.keys(entries).map(hostOf);
      return new Set(hosts).size === hosts.length;
    }, "must name each host once"),
  ),
});

/** What one host's clients log in with: credentials of one repository, with one permission. */
export type Account = v.InferOutput<typeof account>;

export interface Configuration {
  readonly file: string;
  /** Where minted credentials are kept between two runs; nowhere without it. */
  readonly cache: (typeof stores)[number] | undefined;
  /** By host. */
  readonly accounts: ReadonlyMap<string, Account>;
}

/**
 * The file that configures the helper: `ALIEN_DOCKER_CREDENTIAL_CONFIG`; or `docker-credential-alien.json` beside the
 * Docker configuration that `DOCKER_CONFIG` names, where there is one; or the user's own.
 */
export function configurationFile(env: Environment): string {
  if (env.ALIEN_DOCKER_CREDENTIAL_CONFIG) return env.ALIEN_DOCKER_CREDENTIAL_CONFIG;
  const beside = env.DOCKER_CONFIG && join(env.DOCKER_CONFIG, "docker-credential-alien.json");
  if (beside && existsSync(beside)) return beside;
  const home = env.XDG_CONFIG_HOME || join(env.HOME || homedir(), ".config");
  return join(home, "alien", "docker-credential.json");
}

/** @throws BINDING_CONFIG_INVALID that names the file, and each field that is wrong; never a value of it */
export function readConfiguration(env: Environment): Configuration {
  const file = configurationFile(env);
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw refused(
      file,
      error instanceof SyntaxError ? "is not JSON." : "cannot be read.",
      "It says which registry's credentials each host gets: see docs/credential-helper.md.",
    );
  }
  const result = v.safeParse(schema, json, { abortPipeEarly: true });
  if (!result.success) throw refused(file, `is wrong: ${result.issues.map(explain).join("; ")}.`);
  const { cache, registries } = result.output;
  const accounts = Object.entries(registries).map(([key, each]) => [hostOf(key) ?? key, each] as const);
  return { file, cache, accounts: new Map(accounts) };
}

function explain(issue: v.BaseIssue<unknown>): string {
  const where = place(issue) || "the file";
  if (issue.expected === "never") return `${where} is not known`;
  if (issue.received === "undefined") return `${where} is missing`;
  return `${where} ${issue.message.startsWith("must") ? issue.message : `must be of type ${issue.expected}`}`;
}

/** Hosts are full of dots: their field is named in brackets. */
function place(issue: v.BaseIssue<unknown>): string {
  const keys = (issue.path ?? []).map(({ key }) => String(key));
  return keys.map((key, index) => (/^\w+$/.test(key) ? `${index ? "." : ""}${key}` : `["${key}"]`)).join("");
}

/**
 * The registry's host, as image references name it. Clients ask with `host`, `host:port`, `https://host/v2/` or
 * `host/repository`, each as it likes; 443 is what `https` means anyway.
 *
 * @returns undefined for what names no host
 */
export function hostOf(serverUrl: string): string | undefined {
  const [, scheme, authority = ""] = /^(?:([a-z]+):\/\/)?([^/?#]+)/i.exec(serverUrl.trim()) ?? [];
  const host = authority.toLowerCase();
  // Whatever stands before an @ is no part of the host: better no answer than one for another host.
  if (!/^(?:\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::\d{1,5})?$/.test(host)) return undefined;
  return scheme?.toLowerCase() === "http" ? host : host.replace(/:443$/, "");
}
