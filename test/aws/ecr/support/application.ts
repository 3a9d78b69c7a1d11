import { createApplication } from "../../../../core/application.ts";
import type { AuditLine } from "../../../../core/audit.ts";
import { doorCaller } from "../../../../core/caller.ts";
import { readDirectory } from "../../../../core/configuration.ts";
import type { ArtifactRegistryError } from "../../../../core/errors.ts";
import { type EventOutcome, handleEvent, setupEventType } from "../../../../core/events.ts";
import { createHttp } from "../../../../core/http.ts";
import type { Environment } from "../../../../core/platform.ts";
import type { EcrRegistry } from "../../../../functions/aws/ecr/adapter.ts";
import { platform } from "../../../../functions/aws/index.ts";
import { allowAll } from "../../../support/inputs.ts";
import type { AwsStack } from "../../support/stack.ts";

export interface Limits {
  readonly operationTimeoutMs?: number;
  readonly upstreamTimeoutMs?: number;
}

export interface ApplicationParts extends Limits {
  readonly binding?: object;
  readonly env?: Environment;
}

/** What an operation answered, as it goes over the wire. */
export interface WireAnswer {
  readonly status: number;
  readonly text: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** The whole suite in this process, with limits that tests can wait for. Callers are whoever they say they are. */
export interface TestApplication {
  readonly audit: AuditLine[];
  ask(operation: string, input: object, caller?: string): Promise<WireAnswer>;
  /** Delivers a set-up event that was sent at this moment. */
  event(data: object, time: Date): Promise<EventOutcome>;
  /** What the events door does when a replica has come into being. Answers what went wrong. */
  replicated(repoId: string, region: string): Promise<ArtifactRegistryError | undefined>;
}

export function openApplication(stack: AwsStack, parts: ApplicationParts = {}): TestApplication {
  const { binding = {}, env = {}, ...limits } = parts;
  return openIn({ ...stack.env(), ALIEN_IMAGES_BINDING: stack.binding("images", binding), ...env }, limits);
}

/** The same, in an environment that binds `images`. */
export function openIn(variables: Environment, limits: Limits = {}): TestApplication {
  const { operationTimeoutMs, upstreamTimeoutMs } = limits;
  const rules = [allowAll("door")];
  const audit: AuditLine[] = [];
  const common = {
    directory: readDirectory(platform, variables, rules, ["images"]),
    rules,
    audit: (line: AuditLine) => void audit.push(line),
    retry: { attempts: 4, baseMs: 5, capMs: 20 },
    ...(operationTimeoutMs !== undefined && { operationTimeoutMs }),
    ...(upstreamTimeoutMs !== undefined && { upstreamTimeoutMs }),
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
    async ask(operation, input, caller = "alice") {
      const response = await http(
        new Request(`http://127.0.0.1/v1/${operation}`, {
          method: "POST",
          headers: { authorization: caller },
          body: JSON.stringify({ registry: "images", ...input }),
        }),
      );
      const text = await response.text();
      return { status: response.status, text, body: JSON.parse(text) };
    },
    event: (data, time) =>
      handleEvent(events, {
        specversion: "1.0",
        id: "event-1",
        source: "test",
        type: setupEventType,
        time: time.toISOString(),
        data: { registry: "images", ...data },
      }),
    async replicated(repoId, region) {
      const answer = await events.upkeep({
        name: "replicateAccess",
        registry: "images",
        repoId,
        run: (registry, call) => (registry as EcrRegistry).replicated(registry.resolveId(repoId), region, call),
      });
      return answer.ok ? undefined : answer.error;
    },
  };
}
