import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach } from "vitest";
import type { Environment, Platform } from "../../../core/platform.ts";
import { runRefresh } from "../../../functions/kubernetes/pull-secret/run.ts";
import { type Authority, createAuthority } from "../../emulators/azure/http/certificates.ts";
import { type ApiServer, type Grant, startApiServer } from "../../emulators/kubernetes/api-server.ts";
import { createServiceAccounts, type ServiceAccounts, subjectOf } from "../../emulators/kubernetes/service-accounts.ts";
import { temporaryFolder } from "./container.ts";

export const refresher = { namespace: "registry", name: "pull-secret-refresher" };
export const secretName = "registry-pull";
export const ourLabel = { "artifact-registry.alien.dev/pull-secret": "true" };
/** What the chart's Role allows of the Secret; beside it, events may be made. */
export const grant: Grant = {
  subject: subjectOf(refresher),
  namespace: "apps",
  resourceName: secretName,
  verbs: ["get", "update"],
};

export const eventGrant: Grant = {
  subject: subjectOf(refresher),
  namespace: "apps",
  resource: "events",
  verbs: ["create"],
};

export interface Cluster {
  readonly authority: Authority;
  readonly accounts: ServiceAccounts;
  readonly api: ApiServer;
}

export async function startCluster(): Promise<Cluster> {
  const [authority, accounts] = await Promise.all([createAuthority(), createServiceAccounts()]);
  return { authority, accounts, api: await startApiServer(accounts, authority) };
}

/** The environment that the CronJob's pod has in this cluster, with its mounted files. */
export async function podEnvironment({ authority, accounts, api }: Cluster): Promise<Record<string, string>> {
  const folder = await temporaryFolder();
  const files = { ca: authority.ca, token: await accounts.token(refresher), namespace: refresher.namespace };
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  return {
    KUBERNETES_SERVICE_HOST: "127.0.0.1",
    KUBERNETES_SERVICE_PORT: new URL(api.url).port,
    KUBERNETES_CA_FILE: join(folder, "ca"),
    KUBERNETES_TOKEN_FILE: join(folder, "token"),
    KUBERNETES_NAMESPACE_FILE: join(folder, "namespace"),
    PULL_SECRET_NAME: secretName,
    PULL_SECRET_NAMESPACE: "apps",
    PULL_SECRET_REGISTRY: "images",
    PULL_SECRET_REPOSITORIES: '["my-app"]',
  };
}

/**
 * One cluster for the tests of a file. Before each test it has our Secret, empty, with the rights that the chart gives, and `env` is what
 * the CronJob's pod has then.
 */
export function useCluster(): { readonly cluster: Cluster; readonly env: Record<string, string> } {
  const cluster = {} as Cluster;
  const env: Record<string, string> = {};
  beforeAll(async () => {
    Object.assign(cluster, await startCluster());
  });
  beforeEach(async () => {
    const { api } = cluster;
    Object.assign(api, { grants: [grant, eventGrant], before: undefined });
    api.requests.length = 0;
    api.objects.events.length = 0;
    api.secrets.write("apps", secretName, { metadata: { labels: ourLabel } });
    for (const name of Object.keys(env)) delete env[name];
    Object.assign(env, await podEnvironment(cluster), { ALIEN_IMAGES_BINDING: '{"service":"local"}' });
  });
  afterAll(() => cluster.api.stop());
  return { cluster, env };
}

/** One run, with all that it wrote. */
export async function refresh(platform: Platform, env: Environment, args: readonly string[] = []) {
  let [out, log] = ["", ""];
  const code = await runRefresh(platform, env, args, {
    out: (text) => {
      out += text;
    },
    log: (text) => {
      log += text;
    },
  });
  const lines = log.trim().split("\n").filter(Boolean);
  return { code, out, log, last: JSON.parse(lines.at(-1) ?? "{}") as Record<string, unknown> };
}

/** The requests for Secrets that the API server has seen. Each failure makes an event beside them. */
export function secretRequests({ api }: Cluster): string[] {
  return api.requests.filter((line) => line.includes("/secrets/"));
}

/** The entries of a Secret, as a node reads them. */
export function authsOf(data: Readonly<Record<string, string>>): Record<string, Record<string, string>> {
  return JSON.parse(Buffer.from(data[".dockerconfigjson"] ?? "", "base64").toString()).auths;
}
