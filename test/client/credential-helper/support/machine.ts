import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll } from "vitest";
import { credentialHelper } from "../../../../client/credential-helper/helper.ts";
import { type Seen, startFake } from "../../support/server.ts";
import { configured } from "./configure.ts";
import { type Store, systemStore } from "./store.ts";

export type Environment = Readonly<Record<string, string>>;
export type Person = "alice" | "bob";

/** One way of being somebody, and what tells two callers apart in it. */
export interface Form {
  readonly title: string;
  /** What the binding says beside the URL. */
  readonly binding: object | ((folder: string) => object);
  /**
   * Makes ready what both callers share.
   *
   * @param folder of this test
   * @returns makes the machine that of one caller, anew for each run of the helper, and answers the environment
   */
  prepare(folder: string): Promise<(who: Person) => Environment | Promise<Environment>>;
  /** The environment is the same for both: what differs is elsewhere. */
  readonly sameEnvironment?: true;
  /** Identity libraries read the process's own environment, and remember files: each run is a process. */
  readonly process?: true;
}

export const host = "registry.example.com";
const main = fileURLToPath(new URL("../../../../client/credential-helper/main.ts", import.meta.url));
const endless = "2040-01-01T00:00:00Z";

export interface Machine {
  readonly store: Store;
  /** Every call that the function saw: each was answered with another password. */
  readonly minted: readonly Seen[];
  /** Runs `get` as Docker does. @returns the password */
  get(env: Environment): Promise<string>;
}

/** A machine with a store of its own, whose helper asks a function of its own. */
export async function machine(binding: object, { process = false } = {}): Promise<Machine> {
  let passwords = 0;
  const { url, seen } = await startFake(() => ({
    body: {
      authMethod: "basic",
      username: "u",
      password: `minted-${++passwords}`,
      scope: "repository",
      expiresAt: endless,
    },
  }));
  const store = await systemStore();
  const bound = { service: "function", url, ...binding };
  const content = { registry: "images", repository: "my-app", binding: bound };
  const own = await configured({ cache: "secretservice", registries: { [host]: content } });
  return {
    store,
    minted: seen,
    async get(env) {
      const all = { ...store.env, ...own, ...env, PATH: [store.env.PATH, env.PATH].filter(Boolean).join(":") };
      return process ? runOnce(all) : (await credentialHelper(all, fail).get(host)).password;
    },
  };
}

/** A store that works gives no reason for a warning. */
function fail(warning: string): never {
  throw new Error(warning);
}

/** What a run of the helper needs in its environment, to find hosts of a cloud at these URLs. */
export function elsewhere(hosts: Readonly<Record<string, string>>): Environment {
  const ports = Object.entries(hosts).map(([name, url]) => [name, Number(new URL(url).port)] as const);
  const file = fileURLToPath(new URL("./elsewhere.cjs", import.meta.url));
  return { NODE_OPTIONS: `--require ${JSON.stringify(file)}`, ELSEWHERE: JSON.stringify(Object.fromEntries(ports)) };
}

let compiled = "";

/** Keeps what Node compiled between the runs of one test file: they load the same SDKs again and again. */
export function useCompiled(): void {
  beforeAll(async () => {
    compiled = await mkdtemp(join(tmpdir(), "credential-helper-compiled-"));
  });
  afterAll(() => rm(compiled, { recursive: true, force: true }));
}

async function runOnce(env: Environment): Promise<string> {
  const all = { HOME: "/nowhere", ...env, NODE_COMPILE_CACHE: compiled };
  const child = spawn(process.execPath, [main, "get"], { env: all, stdio: "pipe" });
  child.stdin.end(host);
  const exit = new Promise((resolve) => child.once("close", resolve));
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
  if (code !== 0) throw new Error(`docker-credential-alien get ended with ${code}: ${stdout}${stderr}`);
  return (JSON.parse(stdout) as { Secret: string }).Secret;
}
