import { execFile } from "node:child_process";
import { chmod, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { buildBundle } from "../../support/bundle.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../../", import.meta.url));
const built = join(root, "dist/client");

/** One run of the helper, as a client started it. */
export interface Run {
  readonly action: string;
  readonly server: string;
  readonly username?: string;
  readonly password?: string;
  readonly exitCode: number;
}

export interface Installed {
  /** For clients: the helper comes first. */
  readonly path: string;
  /** Every run, in its order. */
  runs(): Promise<Run[]>;
  /** What it answers by itself. */
  get(server: string, env: Record<string, string>): Promise<{ username: string; password: string }>;
  erase(server: string, env: Record<string, string>): Promise<void>;
}

/** Stands before the helper and notes what went through: whoever asserts that passwords are nowhere must know them. */
const recorder = (helper: string, record: string) => `#!/usr/bin/env node
const { spawnSync } = require("node:child_process");
const { appendFileSync, readFileSync } = require("node:fs");
const [action] = process.argv.slice(2);
const input = readFileSync(0, "utf8");
const { stdout, status } = spawnSync(${JSON.stringify(helper)}, [action], { input, encoding: "utf8", stdio: ["pipe", "pipe", "inherit"] });
const { Username: username, Secret: password } = action === "get" && status === 0 ? JSON.parse(stdout) : {};
appendFileSync(${JSON.stringify(record)}, JSON.stringify({ action, server: input.trim(), username, password, exitCode: status }) + "\\n");
process.stdout.write(stdout, () => process.exit(status));
`;

/**
 * Installs the package as its users do, with npm, into a folder of its own.
 *
 * @param sdks beside it, which what runs in process needs: those of the clone
 */
export async function installHelper(folder: string, { sdks = false } = {}): Promise<Installed> {
  buildBundle("client");
  await mkdir(join(folder, "bin"), { recursive: true });
  const flags = ["--global", "--prefix", join(folder, "npm"), "--offline", "--no-audit", "--no-fund"];
  await run("npm", ["install", ...flags, await pack(folder)]);
  const installed = join(folder, "npm/lib/node_modules/artifact-registry-functions");
  if (sdks) await symlink(join(root, "node_modules"), join(installed, "node_modules"));
  const helper = join(folder, "npm/bin/docker-credential-alien");
  const record = join(folder, "record");
  const command = join(folder, "bin/docker-credential-alien");
  await writeFile(command, recorder(helper, record));
  await chmod(command, 0o755);
  const ask = async (action: string, input: string, env: Record<string, string>) => {
    const ended = run(command, [action], { env });
    ended.child.stdin?.end(input);
    return (await ended).stdout;
  };
  return {
    path: [join(folder, "bin"), dirname(process.execPath), process.env.PATH].join(delimiter),
    async runs() {
      const lines = (await readFile(record, "utf8").catch(() => "")).split("\n").slice(0, -1);
      return lines.map((line) => JSON.parse(line) as Run);
    },
    async get(server, env) {
      const answer = JSON.parse(await ask("get", server, env)) as { Username: string; Secret: string };
      return { username: answer.Username, password: answer.Secret };
    },
    async erase(server, env) {
      await ask("erase", server, env);
    },
  };
}

async function pack(folder: string): Promise<string> {
  const { stdout } = await run("npm", ["pack", "--silent", "--pack-destination", folder, built]);
  return join(folder, stdout.trim());
}
