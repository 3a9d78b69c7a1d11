import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { platform } from "../../../functions/kubernetes/index.ts";
import type { Backend } from "../../contract/suite.ts";
import { freePorts } from "../../e2e/ports.ts";
import { answering } from "./distribution.ts";
import { type Login, mountAccounts } from "./files.ts";
import { htpasswd } from "./htpasswd.ts";
import type { TokenServer } from "./token-server.ts";

/** Who may do what below a folder, by the name of the user. */
export interface ZotFolder {
  readonly folder: string;
  readonly readers: readonly string[];
  readonly writers: readonly string[];
  readonly owners: readonly string[];
}

export interface ZotOptions {
  readonly auth:
    | { readonly tokens: TokenServer }
    | { readonly users: readonly Login[]; readonly folders: readonly ZotFolder[] };
  /** After how long zot sweeps what it takes for waste, as `1s`. Default: its own, an hour. */
  readonly collectAfter?: string;
}

/** The path of the real zot to test with: the variable `ZOT`. It cannot be had from the Go module proxy. */
export function zotBinary(): string {
  const { ZOT } = process.env;
  if (!ZOT) throw new Error("ZOT must name the binary of a zot.");
  return ZOT;
}

/** A real zot on a free loopback port, with its data in a folder that goes with it. */
export async function startZot({ auth, collectAfter }: ZotOptions) {
  const folder = await mkdtemp(join(tmpdir(), "external-zot-"));
  const [port = 0] = await freePorts(1);
  const config = {
    storage: {
      rootDirectory: join(folder, "data"),
      ...(collectAfter && { gc: true, gcDelay: collectAfter, gcInterval: collectAfter }),
    },
    http: { address: "127.0.0.1", port: String(port), ...(await authOf(auth, folder)) },
    log: { level: "error", output: join(folder, "log") },
  };
  await writeFile(join(folder, "config.json"), JSON.stringify(config));
  const child = spawn(zotBinary(), ["serve", join(folder, "config.json")], { stdio: "ignore" });
  const exited = once(child, "exit");
  const stop = async () => {
    child.kill("SIGTERM");
    await exited;
    await rm(folder, { recursive: true, force: true });
  };
  const host = `127.0.0.1:${port}`;
  try {
    await answering(`http://${host}/v2/`, child);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: `http://${host}`, host, stop };
}

async function authOf(auth: ZotOptions["auth"], folder: string): Promise<object> {
  if ("tokens" in auth) {
    const { realm, service, certificate } = auth.tokens;
    await writeFile(join(folder, "tokens.pem"), certificate);
    return { auth: { bearer: { realm, service, cert: join(folder, "tokens.pem") } } };
  }
  await writeFile(join(folder, "users"), htpasswd(auth.users));
  const repositories = Object.fromEntries(
    auth.folders.map(({ folder: name, readers, writers, owners }) => [
      `${name}/**`,
      {
        policies: [
          { users: readers, actions: ["read"] },
          { users: writers, actions: ["read", "create", "update"] },
          { users: owners, actions: ["read", "create", "update", "delete"] },
        ],
      },
    ]),
  );
  return { auth: { htpasswd: { path: join(folder, "users") } }, accessControl: { repositories } };
}

const folders = ["images", "builds"];
const login = (username: string): Login => ({ username, password: `password of ${username}` });

/** zot with users and passwords, whose own access control has the rights, as the contract suite wants it. */
export async function zotWithUsers(): Promise<Backend> {
  const owner = login("suite");
  const of = (folder: string) => ({ pullAccount: login(`${folder}-puller`), pushAccount: login(`${folder}-pusher`) });
  const zot = await startZot({
    auth: {
      users: [owner, ...folders.flatMap((folder) => Object.values(of(folder)))],
      folders: folders.map((folder) => ({
        folder,
        readers: [of(folder).pullAccount.username],
        writers: [of(folder).pushAccount.username],
        owners: [owner.username],
      })),
    },
  });
  const accounts = await Promise.all(folders.map((folder) => mountAccounts({ account: owner, ...of(folder) })));
  const binding = (i: number) =>
    JSON.stringify({
      service: "external",
      registryUrl: zot.url,
      repositoryPrefix: folders[i],
      staticCredentials: true,
      ...accounts[i]?.files,
    });
  return {
    platform,
    env: { ALIEN_IMAGES_BINDING: binding(0), ALIEN_BUILDS_BINDING: binding(1) },
    async stop() {
      await zot.stop();
      for (const each of accounts) await each.remove();
    },
  };
}
