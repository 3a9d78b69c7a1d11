import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import type { Deployment } from "./deploy.ts";

/** A message for the queue that a function app listens to. */
export interface Message {
  readonly text: string;
  readonly contentType?: string;
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly messageId?: string;
  /** How often it has been delivered, this time included. */
  readonly deliveryCount?: number;
}

/** The bundle under a host. */
export interface RunningApp {
  readonly url: string;
  /** The names of the functions in it. */
  functions(): Promise<string[]>;
  /** Has Event Grid deliver to the trigger, or shake hands with it. @returns the status */
  fromEventGrid(init: RequestInit): Promise<Response>;
  /** Has the queue deliver a message. @returns what became of it */
  fromServiceBus(message: Message): Promise<"completed" | "abandoned">;
  /** Everything that it has logged. */
  readonly log: () => string;
  stop(): Promise<void>;
}

/** Starts a function app with this environment, and no other. */
export async function startRunningApp(
  { folder }: Pick<Deployment, "folder">,
  env: Readonly<Record<string, string>>,
): Promise<RunningApp> {
  const host = new URL("host.cjs", import.meta.url).pathname;
  const { PATH = "", AZURE_FUNCTIONS_WORKER, AZURE_FUNCTIONS_PLACEHOLDER } = process.env;
  const child = spawn(process.execPath, [host, folder], {
    cwd: folder,
    env: { PATH, AZURE_FUNCTIONS_WORKER, AZURE_FUNCTIONS_PLACEHOLDER, ...env },
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  let log = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => (log += chunk));
  const exited = once(child, "exit");
  const stop = async () => {
    child.kill("SIGKILL");
    await exited;
  };
  const port = await Promise.race([once(child.stdio[3] as Readable, "data"), exited.then(() => undefined)]);
  if (port === undefined) throw new Error(`The host has ended.\n${log}`);
  const url = `http://127.0.0.1:${String(port[0])}`;
  return {
    url,
    log: () => log,
    stop,
    functions: async () => (await fetch(`${url}/.test/functions`)).json() as Promise<string[]>,
    fromEventGrid: (init) =>
      fetch(`${url}/runtime/webhooks/eventgrid?functionName=artifactRegistryEvents&code=system-key`, init),
    async fromServiceBus(message) {
      const answer = await fetch(`${url}/.test/service-bus`, { method: "POST", body: JSON.stringify(message) });
      const outcome = await answer.text();
      if (outcome !== "completed" && outcome !== "abandoned") throw new Error(`The message was not delivered.\n${log}`);
      return outcome;
    },
  };
}
