import type { Door } from "./doors.ts";
import { ArtifactRegistryError } from "./errors.ts";
import type { RulesSource, Warn } from "./rules-source.ts";
import type { Finding } from "./schemas.ts";

export interface ReadinessState {
  readonly status: "ready" | "starting" | "stopping";
  /** What an operator should know although requests may come. */
  readonly findings?: readonly Finding[];
}

/** Whether requests should be sent to this process. */
export interface Readiness {
  /** It is not ready before the door can tell callers apart, and not after a stop has begun. */
  check(): Promise<ReadinessState>;
  stop(): void;
}

/** Anybody may ask, also at a public door. So what is wrong, which may name callers, is in the log alone. */
const staleRules: Finding = {
  message: "The access rules cannot be used. The rules that were read last stay in force.",
  hint: "The log, and describeRegistry, say what is wrong.",
};

/**
 * What `GET /readyz` answers. A process is ready from when its door has opened until its stop begins. An issuer that fails
 * later fails for every replica. If they all became unready, the callers of the other issuers would be refused, too.
 *
 * @param rules whose trouble is told, and keeps nobody out: the last good rules are in force
 * @param warn takes one sentence for each issuer that could not be asked
 *
 * @example
 * const readiness = createReadiness(door, rules, warn);
 * const http = createHttp(application, readiness);
 */
export function createReadiness(door: Door, rules: RulesSource, warn: Warn = () => {}): Readiness {
  let opened = door.ready === undefined;
  let stopping = false;
  const reported = new Set<string>();
  const report = (problems: readonly ArtifactRegistryError[]) => {
    for (const { message } of problems) {
      if (!reported.has(message)) warn(message);
      reported.add(message);
    }
  };
  return {
    async check() {
      if (!stopping && !opened) {
        try {
          report((await door.ready?.()) ?? []);
          opened = true;
        } catch (error) {
          if (!(error instanceof ArtifactRegistryError)) throw error;
          report([error]);
        }
      }
      if (stopping) return { status: "stopping" };
      if (!opened) return { status: "starting" };
      const { problem } = await rules.current();
      return { status: "ready", ...(problem && { findings: [staleRules] }) };
    },
    stop() {
      stopping = true;
    },
  };
}
