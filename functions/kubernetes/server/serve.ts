import { setTimeout as sleep } from "node:timers/promises";
import { createApplication } from "../../../core/application.ts";
import { type Audit, auditToStdout } from "../../../core/audit.ts";
import type { RegistryDirectory } from "../../../core/bindings.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { createHttp } from "../../../core/http.ts";
import type { Environment, Platform } from "../../../core/platform.ts";
import { listen, urlOf } from "../../../core/server/listen.ts";
import { refusal, requestListener } from "../../../core/server/requests.ts";
import { settingRefused } from "../../../core/server/settings.ts";
import { openDoor, readDirectory, readRules, type Warn } from "../../../core/suite.ts";
import { createHttpServer } from "../../../oci/http/server.ts";
import { trackConnections } from "./connections.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { withProbes } from "./probes.ts";
import { createReadiness } from "./readiness.ts";
import { readSettings } from "./settings.ts";

export interface Container {
  readonly url: string;
  readonly metricsUrl: string;
  /**
   * Not ready at once; stops listening after the drain; ends when the last answer has gone out.
   *
   * @returns whether every request was answered
   */
  close(): Promise<boolean>;
}

export interface ContainerOptions {
  readonly audit?: Audit;
  /** Told, in a sentence, what an operator should know. */
  readonly warn?: Warn;
  /** Waits for the drain. */
  readonly pause?: (milliseconds: number) => Promise<unknown>;
}

/** Milliseconds beyond the longest operation that an answer may take to go out. */
const writingMs = 2_000;

/**
 * Starts the suite as the container runs it: the HTTP API and the probes on `PORT`, Prometheus' metrics on
 * `METRICS_PORT`.
 *
 * @throws ArtifactRegistryError for a bad setting, the error of listening for a port that is taken
 */
export async function serveContainer(
  platform: Platform,
  env: Environment,
  { audit = auditToStdout, warn = () => {}, pause = sleep }: ContainerOptions = {},
): Promise<Container> {
  const settings = readSettings(env);
  const metrics = createMetrics();
  const rules = readRules(env, warn) ?? [];
  const door = await openDoor({ ...env, ALIEN_DOOR: "oidc" });
  const directory = readDirectory(metrics.countMints(platform), env, rules);
  await openRegistries(directory);
  const http = createHttp(
    createApplication({
      directory,
      rules,
      door,
      operationTimeoutMs: settings.operationSeconds * 1_000,
      audit(line) {
        metrics.audit(line);
        audit(line);
      },
    }),
  );
  const readiness = createReadiness(door, warn);
  const serve = withProbes(readiness, (request) => metrics.track(() => http(request)));

  const failed = (error: unknown) =>
    warn(`A request could not be answered: ${error instanceof Error ? error.name : "something else was thrown"}.`);

  const place = settings.host === undefined ? {} : { host: settings.host };
  const api = createHttpServer(
    { keepAliveTimeout: settings.keepAliveSeconds * 1_000, refusal, failed },
    requestListener((request) => serve(request)),
  );
  const connections = trackConnections(api);
  const forMetrics = createHttpServer({ refusal, failed }, requestListener(serveMetrics(metrics)));
  await listen(forMetrics, { ...place, port: settings.metricsPort });
  try {
    await listen(api, { ...place, port: settings.port });
  } catch (error) {
    forMetrics.close();
    throw error;
  }
  if (rules.length === 0) warn("There is no access rule: every caller is refused. Set ALIEN_ACCESS_RULES.");
  return {
    url: urlOf(api, settings.host),
    metricsUrl: urlOf(forMetrics, settings.host),
    async close() {
      readiness.stop();
      connections.releaseClients();
      await pause(settings.drainSeconds * 1_000);
      const whole = await connections.close(settings.operationSeconds * 1_000 + writingMs);
      // Last, so that the last requests are seen too.
      forMetrics.close();
      forMetrics.closeAllConnections();
      return whole;
    },
  };
}

/** Opens what is bound, so that a mistake is seen at start. A name that only a rule holds may be another deployment's. */
async function openRegistries(directory: RegistryDirectory): Promise<void> {
  let bound = 0;
  for (const name of directory.names()) {
    try {
      await directory.open(name);
      bound++;
    } catch (error) {
      if (!(error instanceof ArtifactRegistryError && error.code === "BINDING_NOT_CONFIGURED")) throw error;
    }
  }
  if (bound > 0) return;
  throw settingRefused("No registry is bound.", "Set ALIEN_{NAME}_BINDING to a registry's binding, as JSON.");
}

function serveMetrics(metrics: Metrics): (request: Request) => Promise<Response> {
  return async ({ method, url }) => {
    if (new URL(url).pathname !== "/metrics" || method !== "GET") return new Response(null, { status: 404 });
    return new Response(await metrics.text(), { headers: { "content-type": metrics.contentType } });
  };
}
