import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Audit } from "../../../core/audit.ts";
import type { Platform, Service } from "../../../core/platform.ts";
import type { ArtifactRegistry } from "../../../core/registry.ts";

/**
 * The metrics for Prometheus. Their labels are operations, codes and permission levels, of which there is a fixed number.
 * A caller, a registry or a repository is never a label, because callers choose those, and because nobody else may read
 * them.
 */
export interface Metrics {
  /** Counts the lines of the audit log. */
  readonly audit: Audit;
  /** Counts a request as in flight while it runs. */
  track<T>(request: () => Promise<T>): Promise<T>;
  /** The same platform, except that each credential it mints is counted. One that the cache hands out again is not. */
  countMints(platform: Platform): Platform;
  readonly contentType: string;
  text(): Promise<string>;
}

/** Bounds in seconds, from a cached credential to the longest operation. */
const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60];

export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const requests = new Counter({
    name: "artifact_registry_requests_total",
    help: "Operations that were answered, by operation and outcome: OK or an error's code.",
    labelNames: ["operation", "outcome"] as const,
    registers,
  });
  const durations = new Histogram({
    name: "artifact_registry_request_duration_seconds",
    help: "Seconds that an operation took.",
    labelNames: ["operation"] as const,
    buckets,
    registers,
  });
  const upstream = new Counter({
    name: "artifact_registry_upstream_calls_total",
    help: "Requests that were sent to the backing registry.",
    labelNames: ["operation"] as const,
    registers,
  });
  const minted = new Counter({
    name: "artifact_registry_credentials_minted_total",
    help: "Credentials that were minted; one that the cache handed out again is not counted.",
    labelNames: ["permissions"] as const,
    registers,
  });
  const inFlight = new Gauge({
    name: "artifact_registry_requests_in_flight",
    help: "HTTP requests that are being answered.",
    registers,
  });

  const countMints = (open: ArtifactRegistry): ArtifactRegistry => ({
    ...open,
    async generateCredentials(request, call) {
      const credentials = await open.generateCredentials(request, call);
      minted.inc({ permissions: request.permissions });
      return credentials;
    },
  });
  return {
    audit({ operation = "unknown", outcome, milliseconds, upstreamCalls }) {
      requests.inc({ operation, outcome });
      durations.observe({ operation }, milliseconds / 1_000);
      if (upstreamCalls > 0) upstream.inc({ operation }, upstreamCalls);
    },
    async track(request) {
      inFlight.inc();
      try {
        return await request();
      } finally {
        inFlight.dec();
      }
    },
    countMints: (platform) => ({
      ...platform,
      services: Object.fromEntries(
        Object.entries(platform.services).map(([name, service]): [string, Service] => [
          name,
          { ...service, open: async (context) => countMints(await service.open(context)) },
        ]),
      ),
    }),
    contentType: registry.contentType,
    text: () => registry.metrics(),
  };
}
