import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import type { Environment } from "../binding.ts";
import type { Configuration } from "./configuration.ts";
import { notFound, ProtocolError } from "./protocol.ts";

/** The operating system's own store. Names and labels may be seen by other programs of the user; secrets are encrypted. */
export interface Store {
  /** @returns the secret, or undefined where nothing has that name */
  get(name: string): Promise<string | undefined>;
  /** The labels of all entries, by name; other programs' entries too. */
  list(): Promise<Readonly<Record<string, string>>>;
  /** Stores of some systems keep entries of one name apart by their labels: erase the old one where the label changes. */
  set(name: string, label: string, secret: string): Promise<void>;
  erase(name: string): Promise<void>;
}

/** A locked store asks its user, who may not be there. */
const patienceMs = 30_000;

/**
 * The store behind another helper of the same protocol, `docker-credential-{store}`, to which a name is a server's URL
 * and a label a user name.
 *
 * @throws ProtocolError, from each method, where that helper fails; the error holds no secret
 */
export function systemStore(store: NonNullable<Configuration["cache"]>, env: Environment): Store {
  const program = `docker-credential-${store}`;
  const ask = (action: string, input: string) => runHelper(program, action, input, env);
  return {
    async get(name) {
      const secret = objectOf(await ask("get", name))?.Secret;
      return typeof secret === "string" ? secret : undefined;
    },
    async list() {
      const answer = (await ask("list", "")) ?? "{}";
      const labels = objectOf(answer);
      // An empty list would tell whoever logs out that nothing is left.
      if (labels === undefined) throw new ProtocolError(`${program} list answered no JSON object`);
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

/** @returns undefined for what is no JSON object: the parser's error would repeat a part of it */
function objectOf(answer: string | undefined): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(answer ?? "");
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** @returns what the helper answered; undefined where it has nothing under that name */
async function runHelper(
  program: string,
  action: string,
  input: string,
  env: Environment,
): Promise<string | undefined> {
  const child = spawn(program, [action], { env: { ...env }, stdio: ["pipe", "pipe", "ignore"], timeout: patienceMs });
  const exit = new Promise<number | null>((resolve, reject) => {
    child.once("error", ({ code }: NodeJS.ErrnoException) =>
      reject(new ProtocolError(`${program} cannot be run: ${code}`)),
    );
    child.once("close", resolve);
  });
  // It may end without reading; its exit code tells.
  child.stdin.once("error", () => {});
  child.stdin.end(input);
  const [output, code] = await Promise.all([text(child.stdout), exit]);
  if (code !== 0 && output.trim() === notFound) return undefined;
  // What it wrote is not repeated: it may hold what it was given.
  if (code !== 0) throw new ProtocolError(`${program} ${action} ended with ${code}`);
  return output;
}
