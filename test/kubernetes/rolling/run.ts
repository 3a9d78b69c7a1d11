import { setTimeout as sleep } from "node:timers/promises";
import { buildBundle } from "../../support/bundle.ts";
import { startIssuer } from "../../support/issuer.ts";
import { mountAccounts } from "../support/files.ts";
import { everythingFor } from "../support/grants.ts";
import { startOurRegistry } from "../support/our-registry.ts";
import { type Instance, startInstance } from "./instance.ts";
import { startLoad } from "./load.ts";
import { startProxy } from "./proxy.ts";

export interface RollingOptions {
  readonly connections: number;
  /** Seconds of load before the restart, and after it. */
  readonly seconds: number;
  /** What ends the old instances. Default SIGTERM; SIGKILL shows that a failed request is seen. */
  readonly signal?: NodeJS.Signals;
}

export interface RollingResult {
  readonly outcomes: Readonly<Record<string, number>>;
  readonly proxyFailures: readonly string[];
  readonly exitCodes: readonly (number | null)[];
  /** Requests that each of the four instances answered, the two old ones first. */
  readonly answered: readonly number[];
  readonly milliseconds: { readonly p50: number; readonly p99: number; readonly max: number };
  readonly seconds: number;
  /** What must be in no log and in no metric, by where it was found. */
  readonly leaks: readonly string[];
  /** How much was looked through for it. */
  readonly searched: { readonly logLines: number; readonly metricLines: number; readonly secrets: number };
  readonly minted: number;
}

/** Two instances over a registry of its own, under load; each is replaced by a new one as a Deployment does it. */
export async function rollingRestart({ connections, seconds, signal }: RollingOptions): Promise<RollingResult> {
  buildBundle("kubernetes");
  const registry = await startOurRegistry(["images"]);
  const logins = {
    account: registry.account(["pull", "push", "delete"]),
    pullAccount: registry.account(["pull"]),
    pushAccount: registry.account(["pull", "push"]),
  };
  const accounts = await mountAccounts(logins);
  const issuer = await startIssuer();
  const proxy = await startProxy();
  const instances: Instance[] = [];
  const env = {
    // Many times a look at the readiness, which takes its time where 200 connections share two cores with it.
    DRAIN_SECONDS: "6",
    ALIEN_OIDC_ISSUERS: JSON.stringify([{ issuer: issuer.url, audience: "suite" }]),
    ALIEN_ACCESS_RULES: everythingFor(issuer.url),
    // All connections are one caller's, who sends more than a budget allows.
    ALIEN_CALLER_REQUESTS_PER_SECOND: "0",
    ALIEN_IMAGES_BINDING: JSON.stringify({
      service: "external",
      registryUrl: registry.url,
      repositoryPrefix: "images",
      ...accounts.files,
    }),
  };
  const start = async (): Promise<Instance> => {
    const instance = await startInstance(env);
    instances.push(instance);
    proxy.add(instance.url);
    for (const until = Date.now() + 300_000; !proxy.isReady(instance.url); await sleep(50)) {
      if (Date.now() > until) throw new Error(`An instance was not ready in time: ${instance.log()}`);
    }
    return instance;
  };
  try {
    const old = [await start(), await start()];
    const token = await issuer.sign({ exp: Math.floor(Date.now() / 1_000) + 3_600 });
    const started = performance.now();
    const load = startLoad({
      url: proxy.url,
      connections,
      token,
      input: (n) => ({ registry: "images", repoId: `app-${n % 500}`, permissions: n % 3 === 0 ? "push-pull" : "pull" }),
    });
    await sleep(seconds * 1_000);
    const metrics: string[] = [];
    const exitCodes: (number | null)[] = [];
    for (const instance of old) {
      await start();
      // Its last metrics, since it takes them with it.
      metrics.push(await (await fetch(instance.metricsUrl)).text());
      exitCodes.push(await instance.stop(signal));
      proxy.remove(instance.url);
    }
    await sleep(seconds * 1_000);
    await load.stop();
    const elapsed = (performance.now() - started) / 1_000;
    for (const { metricsUrl } of instances.slice(2)) metrics.push(await (await fetch(metricsUrl)).text());
    for (const instance of instances.slice(2)) exitCodes.push(await instance.stop());

    const secrets = [token, ...load.passwords, ...Object.values(logins).map(({ password }) => password)];
    const logs = instances.map(({ log }) => log());
    // The signature alone would do.
    const parts = new Set(secrets.map((secret) => secret.split(".").at(-1) ?? secret));
    const leaks = [...logs, ...metrics].flatMap((output) => [...parts].filter((part) => output.includes(part)));
    const sorted = load.latencies.sort((a, b) => a - b);
    const at = (part: number) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0);
    const lines = (texts: readonly string[]) => texts.join("").split("\n").length;
    const minted = [...metrics.join("\n").matchAll(/^artifact_registry_credentials_minted_total\{.*\} (\d+)$/gm)];
    return {
      outcomes: Object.fromEntries(load.outcomes),
      proxyFailures: proxy.failures,
      exitCodes,
      answered: instances.map(({ url }) => proxy.answered.get(url) ?? 0),
      milliseconds: { p50: at(0.5), p99: at(0.99), max: at(1) },
      seconds: Math.round(elapsed),
      leaks,
      searched: { logLines: lines(logs), metricLines: lines(metrics), secrets: parts.size },
      minted: minted.reduce((sum, [, count]) => sum + Number(count), 0),
    };
  } finally {
    for (const instance of instances) instance.kill();
    await proxy.stop();
    await issuer.stop();
    await registry.stop();
    await accounts.remove();
  }
}
