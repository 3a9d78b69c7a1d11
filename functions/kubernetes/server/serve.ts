import type { IncomingMessage } from "node:http";
import { createApplication } from "../../../core/application.ts";
import { type Audit, auditToStdout } from "../../../core/audit.ts";
import type { RegistryDirectory } from "../../../core/bindings.ts";
import { readLimits } from "../../../core/budget.ts";
import type { ErrorLog } from "../../../core/error-log.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { type ApiAnswer, type ApiRequest, createHttp, isProbe } from "../../../core/http.ts";
import { readPageKey } from "../../../core/pages.ts";
import type { Environment, Platform } from "../../../core/platform.ts";
import { createReadiness } from "../../../core/readiness.ts";
import { fixedRules, readRules, type Warn } from "../../../core/rules-source.ts";
import { apiBodies, apiRequestTimeout, refusal, requestListener } from "../../../core/server/http.ts";
import {
  explainStart,
  readPort,
  readSeconds,
  readWhole,
  requireOwnDoor,
  settingRefused,
  stopOnSignals,
} from "../../../core/server/process.ts";
import { openDoor, readDirectory } from "../../../core/suite.ts";
import { pause as wait } from "../../../core/waiting.ts";
import { listen, prepareRelease, stopListening, urlOf } from "../../../oci/http/listening.ts";
import { createHttpServer } from "../../../oci/http/server.ts";
import { readCertificate } from "./certificate.ts";
import { createMetrics, type Metrics } from "./metrics.ts";

/** Runs the container's server until a signal ends it. Its log is JSON lines on stderr; the audit log is on stdout. */
export async function runServer(platform: Platform): Promise<void> {
  let container: Container;
  try {
    container = await serveContainer(platform, process.env, { warn: (message) => log("warning", message) });
  } catch (error) {
    log("error", explainStart(error, "Set PORT (the API) or METRICS_PORT to another one."));
    process.exitCode = 1;
    return;
  }
  stopOnSignals(async (signal) => {
    log("info", `${signal}: not ready any more; finishing the requests in flight`);
    const complete = await container.close();
    if (!complete) log("warning", "stopped, but some requests had to be cut off");
    return complete ? 0 : 1;
  });
  // This comes last, because whoever reads it may send a signal at once.
  log("info", `listening on ${container.url}, metrics on ${container.metricsUrl}`);
}

function log(level: "info" | "warning" | "error", message: string): void {
  toStderr({ time: new Date().toISOString(), level, message });
}

function toStderr(line: object): void {
  process.stderr.write(`${JSON.stringify(line)}\n`);
}

export interface Container {
  readonly url: string;
  readonly metricsUrl: string;
  /**
   * Makes the container unready at once, stops listening after the drain, and waits until the last answer has gone out.
   *
   * @returns whether every request was answered
   */
  close(): Promise<boolean>;
}

export interface ContainerOptions {
  readonly audit?: Audit;
  readonly errorLog?: ErrorLog;
  /** Takes a sentence that an operator should know. */
  readonly warn?: Warn;
  /** Milliseconds between two looks at the certificate's files. Default 5,000. */
  readonly lookEveryMs?: number;
  /** Waits for the drain. */
  readonly pause?: (milliseconds: number) => Promise<unknown>;
}

/** Connections to the metrics at once: a few Prometheus servers, and whoever looks at them by hand. */
const metricsConnections = 50;

/** Milliseconds that writing an answer may take, after the longest operation. */
const writingMs = 2_000;

/**
 * Starts the suite as the container runs it. The HTTP API and the probes listen on `PORT`, over TLS where `TLS_CERT_FILE` and
 * `TLS_KEY_FILE` name a certificate; the metrics for Prometheus on `METRICS_PORT`, in the clear.
 *
 * @throws ArtifactRegistryError for a bad setting, the error of listening for a port that is taken
 */
export async function serveContainer(
  platform: Platform,
  env: Environment,
  { audit = auditToStdout, errorLog = toStderr, warn = () => {}, lookEveryMs, pause = wait }: ContainerOptions = {},
): Promise<Container> {
  const settings = readSettings(env);
  const metrics = createMetrics();
  const door = await openDoor({ ...env, ALIEN_DOOR: "oidc" });
  const rules = readRules(env, { warn, issuers: door.issuers }) ?? fixedRules([]);
  const { rules: atStart } = await rules.current();
  const directory = readDirectory(metrics.countMints(platform), env, atStart);
  await openRegistries(directory);
  const certificate = await readCertificate(env, { warn, lookEveryMs });
  const readiness = createReadiness(door, rules, warn);
  const http = createHttp(
    createApplication({
      directory,
      rules,
      door,
      errorLog,
      limits: readLimits(env),
      pages: readPageKey(env),
      operationTimeoutMs: settings.operationSeconds * 1_000,
      audit(line) {
        metrics.audit(line);
        audit(line);
      },
    }),
    readiness,
  );
  const serve = (request: ApiRequest, { socket }: IncomingMessage) => {
    const answer = () => http(request, { address: socket.remoteAddress });
    return isProbe(request) ? answer() : metrics.track(answer);
  };

  const failed = (error: unknown) =>
    warn(`A request could not be answered: ${error instanceof Error ? error.name : "something else was thrown"}.`);

  const place = settings.host === undefined ? {} : { host: settings.host };
  const limits = { requestTimeout: apiRequestTimeout, bodies: apiBodies };
  const api = createHttpServer(
    {
      ...limits,
      connections: settings.maxConnections,
      keepAliveTimeout: settings.keepAliveSeconds * 1_000,
      refusal,
      failed,
      ...(certificate && { tls: certificate.context }),
    },
    requestListener(serve),
  );
  const releaseClients = prepareRelease(api);
  const forMetrics = createHttpServer(
    { ...limits, connections: metricsConnections, refusal, failed },
    requestListener(serveMetrics(metrics)),
  );
  await listen(forMetrics, { ...place, port: settings.metricsPort });
  try {
    await listen(api, { ...place, port: settings.port });
  } catch (error) {
    forMetrics.close();
    certificate?.stop();
    throw error;
  }
  if (atStart.length === 0) warn("There is no access rule, so every caller is refused. Set ALIEN_ACCESS_RULES.");
  return {
    url: urlOf(api, settings.host, certificate ? "https" : "http"),
    metricsUrl: urlOf(forMetrics, settings.host),
    async close() {
      readiness.stop();
      releaseClients();
      await pause(settings.drainSeconds * 1_000);
      const complete = await stopListening(api, settings.operationSeconds * 1_000 + writingMs);
      certificate?.stop();
      // The metrics stop last, so that they count the last requests, too.
      forMetrics.close();
      forMetrics.closeAllConnections();
      return complete;
    },
  };
}

/** Opens every bound registry, so that a mistake shows at start. A name in a rule may belong to another deployment. */
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

function serveMetrics(metrics: Metrics): (request: ApiRequest) => Promise<ApiAnswer> {
  return async ({ method, url }) => {
    if (new URL(url).pathname !== "/metrics" || method !== "GET") return { status: 404, headers: {}, body: "" };
    return { status: 200, headers: { "content-type": metrics.contentType }, body: await metrics.text() };
  };
}

/** What the environment sets for the container. The core reads the registries, the rules and the issuers. */
export interface ContainerSettings {
  /** Undefined means every address, IPv4 and IPv6. */
  readonly host: string | undefined;
  readonly port: number;
  readonly metricsPort: number;
  /** Seconds for which a stopping server still takes requests, so that every proxy can learn that it stops. */
  readonly drainSeconds: number;
  /** Seconds for one operation. A stop waits at most that long after the drain. */
  readonly operationSeconds: number;
  /** Seconds for which an idle connection is kept. It must be longer than any proxy in front keeps it. */
  readonly keepAliveSeconds: number;
  /** Connections to the API at once. */
  readonly maxConnections: number;
}

/** @throws BINDING_CONFIG_INVALID, which names the variable */
export function readSettings(env: Environment): ContainerSettings {
  requireOwnDoor(env, "Callers send a token of an issuer in ALIEN_OIDC_ISSUERS.");
  const [port, metricsPort] = [readPort(env, "PORT", 8080), readPort(env, "METRICS_PORT", 9090)];
  if (port === metricsPort && port !== 0) throw settingRefused("PORT and METRICS_PORT must not be the same.");
  return {
    host: env.HOST || undefined,
    port,
    metricsPort,
    drainSeconds: readSeconds(env, "DRAIN_SECONDS", 5, { min: 0, max: 300 }),
    operationSeconds: readSeconds(env, "OPERATION_TIMEOUT_SECONDS", 25, { min: 1, max: 300 }),
    keepAliveSeconds: readSeconds(env, "KEEP_ALIVE_SECONDS", 75, { min: 1, max: 3_600 }),
    maxConnections: readWhole(env, "MAX_CONNECTIONS", 1_000, { min: 10, max: 100_000 }),
  };
}
