import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { realpathSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { freePorts } from "../../e2e/ports.ts";
import { tool } from "../../tools/tools.ts";
import { answering } from "./distribution.ts";
import { basicOf, type Login } from "./files.ts";

export interface GiteaOptions {
  /** Private ones; images of the registry are `{organization}/{image}`. */
  readonly organizations: readonly string[];
  /** Who may pull from each. */
  readonly readers: readonly Login[];
  /** Who may push to each, and delete: it is one right there. */
  readonly writers: readonly Login[];
}

export interface RunningGitea {
  readonly url: string;
  readonly host: string;
  stop(): Promise<void>;
}

const operator: Login = { username: "operator", password: "password of operator" };

/**
 * Gitea with its container registry on a free loopback port, over SQLite, with its data in a folder that goes with it:
 * an implementation of the registry that shares no code with distribution.
 */
export async function startGitea({ organizations, readers, writers }: GiteaOptions): Promise<RunningGitea> {
  const binary = realpathSync(tool("gitea"));
  const folder = await mkdtemp(join(tmpdir(), "external-gitea-"));
  const [port = 0] = await freePorts(1);
  const url = `http://127.0.0.1:${port}`;
  const config = join(folder, "app.ini");
  await writeFile(config, settings({ folder, port, staticRoot: dirname(binary) }));
  // Its git would read this user's settings.
  const options = { env: { PATH: process.env.PATH, HOME: folder } };
  const run = (...words: string[]) => promisify(execFile)(binary, [...words, "--config", config], options);
  let child: ChildProcess | undefined;
  const stop = async () => {
    if (child?.kill("SIGTERM")) await once(child, "exit");
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await run("migrate");
    const { username, password } = operator;
    const account = ["--username", username, "--password", password, "--email", "operator@example.test"];
    await run("admin", "user", "create", ...account, "--admin", "--must-change-password=false");
    child = spawn(binary, ["web", "--config", config], { ...options, stdio: "ignore" });
    await answering(`${url}/v2/`, child);
    const api = createApi(`${url}/api/v1`);
    for (const login of [...readers, ...writers]) await addUser(api, login);
    for (const organization of organizations) {
      await api("POST", "orgs", { username: organization, visibility: "private" });
      await addTeam(api, organization, "read", readers);
      await addTeam(api, organization, "write", writers);
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, host: `127.0.0.1:${port}`, stop };
}

function settings({ folder, port, staticRoot }: { folder: string; port: number; staticRoot: string }): string {
  return `
RUN_MODE = prod
RUN_USER = ${userInfo().username}
WORK_PATH = ${folder}
I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true
[server]
STATIC_ROOT_PATH = ${staticRoot}
HTTP_ADDR = 127.0.0.1
HTTP_PORT = ${port}
ROOT_URL = http://127.0.0.1:${port}/
DISABLE_SSH = true
OFFLINE_MODE = true
[database]
DB_TYPE = sqlite3
SQLITE_JOURNAL_MODE = WAL
[security]
INSTALL_LOCK = true
; Every request with a password would cost tens of milliseconds.
PASSWORD_HASH_ALGO = pbkdf2$1000$50
[service]
DISABLE_REGISTRATION = true
REQUIRE_SIGNIN_VIEW = true
[log]
LEVEL = Error
[cron]
ENABLED = false
[actions]
ENABLED = false
[indexer]
ISSUE_INDEXER_TYPE = db
`;
}

type Api = (method: "POST" | "PUT", path: string, body?: object) => Promise<{ id?: number }>;

function createApi(base: string): Api {
  const authorization = basicOf(operator);
  return async (method, path, body) => {
    const response = await fetch(`${base}/${path}`, {
      method,
      headers: { authorization, "content-type": "application/json" },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text.slice(0, 300)}`);
    return text === "" ? {} : (JSON.parse(text) as { id?: number });
  };
}

async function addUser(api: Api, { username, password }: Login): Promise<void> {
  const email = `${username}@example.test`;
  await api("POST", "admin/users", { username, password, email, must_change_password: false });
}

async function addTeam(
  api: Api,
  organization: string,
  right: "read" | "write",
  members: readonly Login[],
): Promise<void> {
  const team = { name: `may-${right}`, permission: right, units_map: { "repo.packages": right } };
  const { id } = await api("POST", `orgs/${organization}/teams`, team);
  for (const { username } of members) await api("PUT", `teams/${id}/members/${username}`);
}
