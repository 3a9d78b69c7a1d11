import { HttpRequest, type HttpResponseInit } from "@azure/functions";
import type { AuditLine, EventLine } from "../../../core/audit.ts";
import type { ErrorLine } from "../../../core/error-log.ts";
import type { StartLine } from "../../../core/suite.ts";
import type { Registrar } from "../../../functions/azure/doors/functions.ts";
import { registerFunctions } from "../../../functions/azure/doors/functions.ts";
import { watchedLog } from "../../support/secrets.ts";
import type { AzureStack } from "../support/stack.ts";
import { tenant } from "./golden.ts";

/** When the golden requests came. */
export const goldenTime = new Date("2026-05-06T07:08:09Z");

/** The rules of the tests: everybody whom a door knows may do everything, but for who is named by nobody. */
export const rulesFor = (issuer: string, subject: string) =>
  JSON.stringify(
    [
      { issuer: "door", subject: "*" },
      { issuer, subject },
    ].map((caller) => ({
      callers: [caller],
      operations: ["*"],
      registries: ["*"],
      repositories: ["*"],
      permissions: ["pull", "push-pull"],
      grantees: ["*"],
    })),
  );

/** The variables of a function app behind a door: what infra/azure sets, and the platform where it authenticates. */
export function functionEnv(
  stack: AzureStack,
  door: string,
  more: Record<string, string> = {},
): Record<string, string> {
  return {
    ...stack.env(),
    ALIEN_DOOR: door,
    ALIEN_ACCESS_RULES: rulesFor("azure", `${tenant}/*`),
    ALIEN_IMAGES_BINDING: stack.binding("images"),
    ALIEN_PLATFORM_TENANTS: tenant,
    WEBSITE_AUTH_ENABLED: "True",
    ...more,
  };
}

export interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  // biome-ignore lint/suspicious/noExplicitAny: what a test expects of it says the test
  readonly json: any;
}

/** A function app as the host holds it, with what it has logged. */
export interface TestApp {
  /** What has been registered: the options of each, by its name. */
  readonly registered: ReadonlyMap<string, Registration>;
  readonly audit: AuditLine[];
  readonly events: EventLine[];
  readonly warnings: string[];
  readonly started: StartLine[];
  /** Sends a request to the HTTP function of the app. */
  send(sent: Sent): Promise<Answer>;
  /** Hands over what a trigger brings. */
  trigger(name: string, data: unknown, metadata?: object): Promise<unknown>;
}

export interface Registration {
  readonly handler: (data: unknown, context: unknown) => Promise<unknown>;
  readonly [option: string]: unknown;
}

let invocations = 0;

export function startApp(env: Readonly<Record<string, string | undefined>>): TestApp {
  const registered = new Map<string, Registration>();
  const audit = watchedLog<AuditLine>();
  const errors = watchedLog<ErrorLine>();
  const events = watchedLog<EventLine>();
  const warnings: string[] = [];
  const started: StartLine[] = [];
  const register = (name: string, options: object) => void registered.set(name, options as Registration);
  const registrar = { http: register, eventGrid: register, serviceBusQueue: register } as unknown as Registrar;
  registerFunctions(registrar, env, {
    audit: (line) => void audit.push(line),
    errorLog: (line) => void errors.push(line),
    eventLog: (line) => void events.push(line),
    warn: (message) => void warnings.push(message),
    startLog: (line) => void started.push(line),
    now: () => goldenTime,
  });
  const run = (name: string, data: unknown, triggerMetadata?: object) => {
    const found = registered.get(name);
    if (found === undefined) throw new Error(`There is no function ${name}.`);
    return found.handler(data, { invocationId: `invocation-${++invocations}`, triggerMetadata });
  };
  return {
    registered,
    audit,
    events,
    warnings,
    started,
    trigger: run,
    async send({ method = "POST", path = "/v1/getRepository", headers = {}, body }) {
      const name = [...registered.keys()].find((each) => /^artifactRegistry(?:Webhook)?$/.test(each)) ?? "none";
      const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
      const request = new HttpRequest({
        method,
        url: `https://registry.example${path}`,
        headers: { ...headers },
        ...(text !== undefined && { body: { string: text } }),
      });
      const answer = (await run(name, request)) as HttpResponseInit;
      const said = answer.jsonBody ?? (answer.body ? JSON.parse(String(answer.body)) : undefined);
      return { status: answer.status ?? 200, headers: (answer.headers ?? {}) as Record<string, string>, json: said };
    },
  };
}
