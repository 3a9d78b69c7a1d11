import { type IncomingMessage, request } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { cloudEvent, http } from "@google-cloud/functions-framework";
import { getTestServer } from "@google-cloud/functions-framework/testing";
import { onTestFinished } from "vitest";
import type { AuditLine, EventLine } from "../../../core/audit.ts";
import type { ErrorLine } from "../../../core/error-log.ts";
import type { StartLine } from "../../../core/suite.ts";
import { createFunctions } from "../../../functions/gcp/doors/functions.ts";
import { watchedLog } from "../../support/secrets.ts";
import type { GcpStack } from "../support/stack.ts";
import type { Golden } from "./golden.ts";

/** When the golden requests came. */
export const goldenTime = new Date("2026-05-06T07:08:09Z");

/** The rules of the tests: everybody whom a door knows may do everything. */
export const rules = JSON.stringify(
  [
    { issuer: "door", subject: "*" },
    { issuer: "gcp", subject: "pipeline@vendor-project.iam.gserviceaccount.com" },
  ].map((caller) => ({
    callers: [caller],
    operations: ["*"],
    registries: ["images", "builds"],
    repositories: ["*"],
    permissions: ["pull", "push-pull"],
    grantees: ["*"],
  })),
);

/** The variables of a function behind a door, as infra/gcp sets them. */
export function functionEnv(stack: GcpStack, door: string, more: Record<string, string> = {}): Record<string, string> {
  return {
    ...stack.env(),
    // As Cloud Run sets it.
    K_SERVICE: "artifact-registry",
    ALIEN_DOOR: door,
    ALIEN_ACCESS_RULES: rules,
    ALIEN_IMAGES_BINDING: stack.binding("images"),
    ALIEN_DEAD_LETTER_TOPIC: `projects/${stack.project}/topics/dead-letters`,
    ...more,
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
  /** The body read as JSON; undefined where it is none. */
  // biome-ignore lint/suspicious/noExplicitAny: what a test expects of it says the test
  readonly json: any;
}

/** One deployed function under the framework's own server, with what it has logged. */
export interface TestFunction {
  readonly port: number;
  readonly audit: AuditLine[];
  readonly events: EventLine[];
  readonly warnings: string[];
  readonly started: StartLine[];
  send(golden: Golden): Promise<Answer>;
}

let serial = 0;

/** Starts a function of its own on a free port of the loopback, until the test is over. */
export async function startFunction(
  env: Record<string, string>,
  { target = "http", now = () => goldenTime }: { readonly target?: "http" | "events"; readonly now?: () => Date } = {},
): Promise<TestFunction> {
  const audit = watchedLog<AuditLine>();
  const errors = watchedLog<ErrorLine>();
  const events = watchedLog<EventLine>();
  const warnings: string[] = [];
  const started: StartLine[] = [];
  const { artifactRegistry, artifactRegistryEvents } = createFunctions(env, {
    audit: (line) => void audit.push(line),
    errorLog: (line) => void errors.push(line),
    eventLog: (line) => void events.push(line),
    warn: (message) => void warnings.push(message),
    startLog: (line) => void started.push(line),
    now,
  });
  const name = `function-${++serial}`;
  if (target === "http") http(name, artifactRegistry);
  else cloudEvent(name, artifactRegistryEvents);
  const server = getTestServer(name);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return { port, audit, events, warnings, started, send: (golden) => send({ host: "127.0.0.1", port }, golden) };
}

/** Where a function listens. */
export type Address = { readonly host: string; readonly port: number } | { readonly socketPath: string };

/** Sends a request byte by byte as it is; `fetch` would refuse half of them. */
export async function send(address: Address, { method, path, headers, body }: Golden): Promise<Answer> {
  const bytes = Buffer.isBuffer(body)
    ? body
    : Buffer.from(typeof body === "string" ? body : JSON.stringify(body ?? ""));
  const flat = Object.entries(headers).flatMap(([name, value]) =>
    [value].flat().map((each) => [name, each] as [string, string]),
  );
  const length: [string, string][] = body === undefined ? [] : [["content-length", String(bytes.byteLength)]];
  const outgoing = request({ ...address, method, path, headers: [...flat, ...length].flat(), agent: false });
  const incoming = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.on("response", resolve).on("error", reject);
  });
  outgoing.end(body === undefined ? undefined : bytes);
  const response = await incoming;
  const said = await text(response);
  return { status: response.statusCode ?? 0, headers: response.headers, text: said, json: parsed(said) };
}

function parsed(said: string): unknown {
  try {
    return JSON.parse(said);
  } catch {
    return undefined;
  }
}
