import type { IncomingMessage } from "node:http";
import type { Door } from "../../../core/doors.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { RulesSource } from "../../../core/rules-source.ts";
import type { Finding } from "../../../core/schemas.ts";

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

/**
 * It is ready from when the door has opened until the stop begins. An issuer that fails later fails for every replica.
 * If they all became unready, the callers of the other issuers would be refused, too.
 *
 * @param rules whose trouble is told, and keeps nobody out: the last good rules are in force
 * @param warn takes one sentence for each issuer that could not be asked
 */
export function createReadiness(door: Door, rules: RulesSource, warn: (message: string) => void): Readiness {
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
      return { status: "ready", ...(problem && { findings: [problem] }) };
    },
    stop() {
      stopping = true;
    },
  };
}

type Serve = (request: Request, incoming: IncomingMessage) => Promise<Response>;

/**
 * Answers the kubelet's probes before anything else sees them: `/livez` with 200 while the process can answer at all, and
 * `/readyz` with 200 while requests should come. A probe names no caller, so no metric and no audit log counts it.
 */
export function withProbes(readiness: Readiness, next: Serve): Serve {
  return async (request, incoming) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/readyz" && isRead(request)) {
      const state = await readiness.check();
      return toResponse(state.status === "ready" ? 200 : 503, state);
    }
    if (pathname === "/livez" && isRead(request)) return toResponse(200, { status: "ok" });
    return next(request, incoming);
  };
}

function isRead({ method }: Request): boolean {
  return method === "GET" || method === "HEAD";
}

function toResponse(status: number, body: object): Response {
  return Response.json(body, { status, headers: { "cache-control": "no-store" } });
}
