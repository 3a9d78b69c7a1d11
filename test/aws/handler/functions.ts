import type { Context } from "aws-lambda";
import type { AuditLine, EventLine } from "../../../core/audit.ts";
import type { ErrorLine } from "../../../core/error-log.ts";
import type { StartLine } from "../../../core/suite.ts";
import { createHandler } from "../../../functions/aws/doors/handler.ts";
import { watchedLog } from "../../support/secrets.ts";
import type { AwsStack } from "../support/stack.ts";
import { contextOf } from "./context.ts";

/** When the golden events happened. */
export const eventTime = new Date("2026-05-06T07:08:09Z");

/** One deployed function, with what it has logged. */
export interface TestFunction {
  readonly audit: AuditLine[];
  readonly events: EventLine[];
  readonly warnings: string[];
  readonly started: StartLine[];
  invoke(event: unknown, context?: Context): Promise<unknown>;
}

/** The rules of the tests: everybody whom a door knows may do everything. */
export const rules = JSON.stringify(
  [
    { issuer: "door", subject: "*" },
    { issuer: "aws", subject: "111122223333:role/pipeline" },
    { issuer: "aws", subject: "111122223333:user/ci/deployer" },
  ].map((caller) => ({
    callers: [caller],
    operations: ["*"],
    registries: ["images", "builds"],
    repositories: ["*"],
    permissions: ["pull", "push-pull"],
    grantees: ["*"],
  })),
);

/** The variables of a function behind a door, as infra/aws sets them. */
export function functionEnv(stack: AwsStack, door: string, more: Record<string, string> = {}): Record<string, string> {
  return {
    ...stack.env(),
    AWS_LAMBDA_FUNCTION_NAME: "artifact-registry",
    ALIEN_DOOR: door,
    ALIEN_ACCESS_RULES: rules,
    ALIEN_IMAGES_BINDING: stack.binding("images"),
    ALIEN_DEAD_LETTER_QUEUE_URL: `${stack.emulator.url}/${stack.account}/dead-letters`,
    ...more,
  };
}

export function startFunction(env: Record<string, string>, now: () => Date = () => eventTime): TestFunction {
  const audit = watchedLog<AuditLine>();
  const errors = watchedLog<ErrorLine>();
  const events = watchedLog<EventLine>();
  const warnings: string[] = [];
  const started: StartLine[] = [];
  const handler = createHandler(env, {
    audit: (line) => void audit.push(line),
    errorLog: (line) => void errors.push(line),
    eventLog: (line) => void events.push(line),
    warn: (message) => void warnings.push(message),
    startLog: (line) => void started.push(line),
    now,
  });
  return { audit, events, warnings, started, invoke: (event, context = contextOf()) => handler(event, context) };
}
