import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import type { Environment } from "../binding.ts";
import { tryParseObject } from "../json.ts";
import type { Configuration } from "./configuration.ts";
import { notFound, ProtocolError } from "./protocol.ts";

/** The operating system's own store. Secrets are encrypted; the user's other programs may see names and labels. */
export interface Store {
  /** @returns the secret, or undefined when nothing has that name */
  get(name: string): Promise<string | undefined>;
  /** @returns the labels of all entries by name, those of other programs included */
  list(): Promise<Readonly<Record<string, string>>>;
  /** Some systems keep entries of one name apart by label. Erase the old entry before you change its label. */
  set(name: string, label: string, secret: string): Promise<void>;
  erase(name: string): Promise<void>;
}

/** A locked store asks its user, who may not be there. */
const timeoutMs = 30_000;

/**
 * Opens the store behind another helper of the same protocol, `docker-credential-{store}`. In that protocol our
 * names are URLs of servers, and our labels are user names.
 *
 * @throws ProtocolError, from each method, when that helper fails; the error holds no secret
 */
export function systemStore(store: NonNullable<Configuration["cache"]>, env: Environment): Store {
  const program = `docker-credential-${store}`;
  const ask = (action: string, input: string) => runHelper(program, action, input, env);
  return {
    async get(name) {
      const secret = tryParseObject(await ask("get", name))?.Secret;
      return typeof secret === "string" ? secret : undefined;
    },
    async list() {
      const answer = (await ask("list", "")) ?? "{}";
      const labels = tryParseObject(answer);
      // An empty list would mean to whoever logs out that nothing is left.
      if (labels === undefined) throw new ProtocolError(`${program} list did not answer a JSON object`);
      return Object.fromEntries(Object.entries(labels).map(([name, label]) => [name, String(label)]));
    },
    async set(name, label, secret) {
      await ask("store", JSON.stringify({ ServerURL: name, Username: label, Secret: secret }));
    },
    async erase(name) {
      await ask("erase", name);
    },
  };
}

/** @returns what the helper answered; undefined when it has nothing under that name */
async function runHelper(
  program: string,
  action: string,
  input: string,
  env: Environment,
): Promise<string | undefined> {
  const child = spawn(program, [action], { env: { ...env }, stdio: ["pipe", "pipe", "ignore"], timeout: timeoutMs });
  const exit = new Promise<number | null>((resolve, reject) => {
    child.once("error", ({ code }: NodeJS.ErrnoException) =>
      reject(new ProtocolError(`${program} cannot be run: ${code}`)),
    );
    child.once("close", resolve);
  });
  // The helper may end without reading its input. Its exit code says how it went.
  child.stdin.once("error", () => {});
  child.stdin.end(input);
  const [output, code] = await Promise.all([text(child.stdout), exit]);
  if (code !== 0 && output.trim() === notFound) return undefined;
  // What the helper wrote is not repeated, since it may hold what it was given.
  if (code !== 0) throw new ProtocolError(`${program} ${action} ended with ${code}`);
  return output;
}
