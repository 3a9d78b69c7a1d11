import type { Environment } from "../../../core/platform.ts";
import { readPort, readSeconds, requireOwnDoor, settingRefused } from "../../../core/server/settings.ts";

/** What the container is told by its environment; the registries, rules and issuers are the core's to read. */
export interface Settings {
  /** Absent: every address, IPv4 and IPv6. */
  readonly host: string | undefined;
  readonly port: number;
  readonly metricsPort: number;
  /** Seconds for which a stopping server still takes requests: until every proxy has heard that it is going. */
  readonly drainSeconds: number;
  /** Seconds for one operation, and so the longest that a stop has to wait after the drain. */
  readonly operationSeconds: number;
  /** Seconds for which an idle connection is kept: longer than any proxy in front keeps it. */
  readonly keepAliveSeconds: number;
}

/** @throws BINDING_CONFIG_INVALID naming the variable */
export function readSettings(env: Environment): Settings {
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
  };
}
