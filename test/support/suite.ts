import { createApplication } from "../../core/application.ts";
import type { AuditLine } from "../../core/audit.ts";
import { doorCaller } from "../../core/caller.ts";
import type { ErrorLine } from "../../core/error-log.ts";
import type { ArtifactRegistryError } from "../../core/errors.ts";
import { type EventOutcome, handleEvent, setupEventType } from "../../core/events.ts";
import { createHttp } from "../../core/http.ts";
import { passingPageKey } from "../../core/pages.ts";
import type { Environment, Platform } from "../../core/platform.ts";
import { fixedRules } from "../../core/rules-source.ts";
import { readDirectory } from "../../core/suite.ts";
import { allowAll } from "./inputs.ts";
import { watchedLog } from "./secrets.ts";

/** Milliseconds; absent means the core's own. */
export interface Limits {
  readonly operationTimeoutMs?: number;
  readonly upstreamTimeoutMs?: number;
  readonly now?: () => Date;
}

/** What an operation answered, as it goes over the wire. */
export interface WireAnswer {
  readonly status: number;
  readonly text: string;
  readonly body: Readonly<Record<string, unknown>>;
  /** As JSON. */
  readonly headers: string;
}

/** A whole suite in this process, with limits that tests can wait for. Callers are whoever they say they are. */
export interface TestSuite {
  readonly audit: AuditLine[];
  /** What runs events, for the upkeep that a platform does by itself. */
  readonly events: ReturnType<typeof createApplication>;
  ask(operation: string, input: object, caller?: string): Promise<WireAnswer>;
  /** Delivers a set-up event that was sent at this moment, or whose time reads so. */
  event(data: object, time: Date | string): Promise<EventOutcome>;
}

/** The suite of a platform, in an environment that binds `images`. */
export function openSuite(platform: Platform, variables: Environment, limits: Limits = {}): TestSuite {
  const { operationTimeoutMs, upstreamTimeoutMs, now } = limits;
  const rules = [allowAll("door")];
  const audit = watchedLog<AuditLine>();
  const errors = watchedLog<ErrorLine>();
  const common = {
    directory: readDirectory(platform, variables, rules, ["images"]),
    rules: fixedRules(rules),
    audit: (line: AuditLine) => void audit.push(line),
    errorLog: (line: ErrorLine) => void errors.push(line),
    retry: { attempts: 4, baseMs: 5, capMs: 20 },
    pages: passingPageKey(),
    ...(operationTimeoutMs !== undefined && { operationTimeoutMs }),
    ...(upstreamTimeoutMs !== undefined && { upstreamTimeoutMs }),
    ...(now !== undefined && { now }),
  };
  const authenticate = async ({ authorization = "" }) => doorCaller(authorization);
  const http = createHttp(
    createApplication({ ...common, door: { name: "local", accepts: "http", admits: () => true, authenticate } }),
  );
  const events = createApplication({
    ...common,
    door: {
      name: "events",
      accepts: "events",
      admits: (kind) => kind !== "provision",
      authenticate: async () => doorCaller("events"),
    },
  });

  return {
    audit,
    events,
    async ask(operation, input, caller = "alice") {
      const response = await http(
        new Request(`http://127.0.0.1/v1/${operation}`, {
          method: "POST",
          headers: { authorization: caller },
          body: JSON.stringify({ registry: "images", ...input }),
        }),
      );
      const headers = JSON.stringify(Object.entries(response.headers));
      const text = response.body;
      return { status: response.status, text, body: JSON.parse(text), headers };
    },
    event: (data, time) =>
      handleEvent(events, {
        specversion: "1.0",
        id: "event-1",
        source: "test",
        type: setupEventType,
        time: typeof time === "string" ? time : time.toISOString(),
        data: { registry: "images", ...data },
      }),
  };
}

/** An error that did not come over HTTP, and what went well there, as if they had. */
export function wireOf(error?: ArtifactRegistryError): WireAnswer {
  if (error === undefined) return { status: 200, text: "{}", body: {}, headers: "[]" };
  const body = { ...error.toWire("event") };
  return { status: error.httpStatusCode, text: JSON.stringify(body), body, headers: "[]" };
}
