import { spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, it, onTestFinished } from "vitest";
import { bindRegistry, openRegistry } from "../../oci/registry/index.ts";
import { loadTokenKey, mintToken } from "../../oci/token/index.ts";
import { type RegistryProcess, refusedRegistry, spawnRegistry } from "./process.ts";
import {
  ask,
  filesIn,
  makeImage,
  pushBlob,
  pushImage,
  putManifest,
  type Send,
  sha256,
  startRegistry,
  temporaryFolder,
} from "./support.ts";

const SCOPE = "repository:a:pull,push,delete repository:b:pull,push,delete";
const bytes = randomBytes(100_000);

async function sendTo(dataDir: string, { url }: RegistryProcess): Promise<Send> {
  const token = mintToken(await loadTokenKey(join(dataDir, "token.key")), {
    subject: "test",
    access: [{ type: "repository", name: "a", actions: ["pull", "push"] }],
    audience: "registry",
    expiresAt: new Date(Date.now() + 600_000),
  });
  return (method, path, options = {}) =>
    ask(method, `${url}${path}`, { ...options, headers: { Authorization: `Bearer ${token}`, ...options.headers } });
}

const ASK = `
  import { createInterface } from "node:readline";
  import { takeFolderLock } from ${JSON.stringify(join(import.meta.dirname, "../../oci/registry/store/folder-lock.ts"))};
  import { layoutOf } from ${JSON.stringify(join(import.meta.dirname, "../../oci/registry/store/names.ts"))};
  createInterface({ input: process.stdin }).once("line", async () => {
    // Held until this process is killed.
    globalThis.lock = await takeFolderLock(layoutOf(process.argv[1])).catch(({ code }) => code);
    console.log(typeof globalThis.lock === "string" ? globalThis.lock : "taken");
    setInterval(() => undefined, 60_000);
  });
  console.log("ready");
`;

/** A process that is ready to ask for the folder's lock; \`go\` lets it, and tells what came of it. */
async function askForLock(root: string) {
  const child = spawn(process.execPath, ["--input-type=module", "-e", ASK, root], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  await lines.next();
  return {
    child,
    ended,
    async go(): Promise<string> {
      child.stdin.write("go\n");
      return String((await lines.next()).value);
    },
  };
}

/** Begins an upload; what is returned ends it and holds that the blob is there. */
async function beginUpload(send: Send): Promise<() => Promise<void>> {
  const upload = (await send("POST", "/v2/a/blobs/uploads/")).headers.location ?? "";
  expect((await send("PATCH", upload, { body: bytes.subarray(0, 60_000) })).status).toBe(202);
  return async () => {
    const put = await send("PUT", `${upload}?digest=${sha256(bytes)}`, { body: bytes.subarray(60_000) });
    expect(put.status).toBe(201);
    expect((await send("GET", `/v2/a/blobs/${sha256(bytes)}`)).body.equals(bytes)).toBe(true);
  };
}

/** How to run a program in a pid namespace of its own, as each container has one; undefined where that is forbidden. */
function otherNamespace(): readonly string[] | undefined {
  const [unshare, ...pid] = ["unshare", "--pid", "--fork", "--kill-child"];
  for (const args of [pid, ["--user", "--map-root-user", ...pid]]) {
    if (spawnSync(unshare, [...args, "true"]).status === 0) return [unshare, ...args];
  }
  if (process.env.CI) throw new Error("unshare must be able to make a pid namespace in CI.");
  return undefined;
}

/** The registry's own process, where another program started it and stays its parent. */
async function onlyChildOf(pid: number): Promise<number> {
  return Number(await readFile(`/proc/${pid}/task/${pid}/children`, "utf8"));
}

describe("a registry in another pid namespace", () => {
  it("is not taken for dead while it lives or is stopped, and at once when it is killed", async ({ skip }) => {
    const under = otherNamespace();
    if (under === undefined) return skip("this user may not make a pid namespace");
    const dataDir = await temporaryFolder();
    const owner = await spawnRegistry(dataDir, under);
    const pid = await onlyChildOf(owner.child.pid ?? 0);
    const send = await sendTo(dataDir, owner);
    const endUpload = await beginUpload(send);

    // Twice each: the one that is refused must not take the lock with it when it leaves.
    for (const from of [[], under, [], under]) {
      const { code, stderr } = await refusedRegistry(dataDir, { under: from });
      expect([code, stderr]).toEqual([1, expect.stringMatching(/^The data folder is in use by process \d+ on \S+ /)]);
    }
    process.kill(pid, "SIGSTOP");
    expect((await refusedRegistry(dataDir)).code).toBe(1);
    process.kill(pid, "SIGCONT");
    await endUpload();

    // Its parent ends when it has seen its end.
    const ended = once(owner.child, "exit");
    process.kill(pid, "SIGKILL");
    await ended;
    const next = await spawnRegistry(dataDir);
    expect((await (await sendTo(dataDir, next))("GET", `/v2/a/blobs/${sha256(bytes)}`)).body.equals(bytes)).toBe(true);
  }, 120_000);
});

// What the lock file says may be wrong, or mean something else where it is read: it names a process of another
// namespace, another boot, another host, or one whose number was given to somebody else since.
const records: Readonly<Record<string, (own: Record<string, unknown>) => string | undefined>> = {
  "a process of another container": (own) => JSON.stringify({ ...own, place: "a-boot pid:[4026530000]", pid: 1 }),
  "a process of another host": (own) => JSON.stringify({ ...own, host: "another", place: "another-boot pid:[1]" }),
  "a process that does not exist": (own) => JSON.stringify({ ...own, pid: 2 ** 30 }),
  "an earlier process of that number": (own) => JSON.stringify({ ...own, start: "1" }),
  "somebody else": () => JSON.stringify({ id: "another", pid: 2 ** 30, host: "another" }),
  rubbish: () => "rubbish",
  "nobody: it is empty": () => "",
  "nobody: it is gone": () => undefined,
};

describe.each(Object.entries(records))("a live registry whose lock file names %s", (_, change) => {
  it("is not taken for dead, and loses nothing", async () => {
    const dataDir = await temporaryFolder();
    const owner = await spawnRegistry(dataDir);
    const send = await sendTo(dataDir, owner);
    const endUpload = await beginUpload(send);
    const file = join(dataDir, "lock");
    const own = await readFile(file, "utf8");
    const changed = change(JSON.parse(own));
    if (changed === undefined) await rm(file);
    else await writeFile(file, changed);

    const uploads = await filesIn(join(dataDir, "uploads"));
    expect(uploads).toHaveLength(1);
    const { code, stderr } = await refusedRegistry(dataDir);
    expect([code, stderr]).toEqual([1, expect.stringContaining("The data folder is in use")]);
    expect(await filesIn(join(dataDir, "uploads"))).toEqual(uploads);
    expect(await readFile(file, "utf8").catch(() => undefined)).toBe(changed);
    await writeFile(file, own);
    await endUpload();
  }, 120_000);
});

describe("the lock", () => {
  it("goes to exactly one of those that ask at the same time, also after a crash", async () => {
    const root = await temporaryFolder();
    for (let round = 0; round < 3; round += 1) {
      const asking = await Promise.all(Array.from({ length: 6 }, () => askForLock(root)));
      // They ask when all of them are ready to.
      const answers = await Promise.all(asking.map(({ go }) => go()));
      expect(answers.toSorted()).toEqual([...Array(5).fill("IN_USE"), "taken"]);
      for (const { child } of asking) child.kill("SIGKILL");
      await Promise.all(asking.map(({ ended }) => ended));
    }
  }, 120_000);

  it("stays with the first registry of a process when a second one in it is refused", async () => {
    const client = await startRegistry();
    for (let i = 0; i < 2; i += 1) {
      await expect(openRegistry({ dataDir: client.dataDir, key: client.key })).rejects.toMatchObject({
        code: "IN_USE",
      });
    }
    expect((await refusedRegistry(client.dataDir)).code).toBe(1);
    expect((await pushBlob(client.as(SCOPE), "a", bytes)).status).toBe(201);
  });

  it("is removed by its owner alone", async () => {
    const client = await startRegistry();
    const file = join(client.dataDir, "lock");
    const another = JSON.stringify({ id: "another", pid: 1, host: "another" });
    await writeFile(file, another);
    await client.running.close();
    expect(await readFile(file, "utf8")).toBe(another);
    await (await startRegistry({ dataDir: client.dataDir })).running.close();
    expect(await filesIn(client.dataDir)).not.toContain("lock");
  });

  it("that another registry has taken ends every change, where locks do not reach", async () => {
    const client = await startRegistry();
    const send = client.as(SCOPE);
    const image = await pushImage(send, "a", "1.0");
    const next = makeImage([]);
    expect((await pushBlob(send, "a", next.config)).status).toBe(201);
    const before = await filesIn(join(client.dataDir, "repositories"));
    await writeFile(join(client.dataDir, "lock"), JSON.stringify({ id: "another", pid: 1, host: "another" }));
    const answers = [
      await pushBlob(send, "a", bytes),
      await send("POST", `/v2/b/blobs/uploads/?mount=${sha256(image.config)}&from=a`),
      await putManifest(send, "a", "2.0", next.manifest),
      await send("DELETE", "/v2/a/manifests/1.0"),
      await send("DELETE", `/v2/a/blobs/${sha256(image.config)}`),
      await send("DELETE", "/v2/a/_alien/repository"),
    ];
    expect(answers.map(({ status, code }) => `${status} ${code}`)).toEqual(answers.map(() => "503 UNAVAILABLE"));
    expect(await filesIn(join(client.dataDir, "repositories"))).toEqual(before);
  });
});

describe("a start that fails", () => {
  it("because its port is taken has cleared nothing and locked nothing", async () => {
    const dataDir = await temporaryFolder();
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void taken.close());
    for (const folder of ["uploads", "trash/x/blobs/sha256"]) await mkdir(join(dataDir, folder), { recursive: true });
    await writeFile(join(dataDir, "uploads/half"), "half");
    await writeFile(join(dataDir, "trash/x/blobs/sha256/half"), "half");
    const before = await filesIn(dataDir);

    const { port } = taken.address() as { port: number };
    const { code, stderr } = await refusedRegistry(dataDir, { port: String(port) });
    expect([code, stderr]).toEqual([1, expect.stringContaining("EADDRINUSE")]);
    expect((await filesIn(dataDir)).filter((file) => file !== "token.key")).toEqual(before);
    expect((await stat(join(dataDir, "uploads/half"))).size).toBe(4);

    await spawnRegistry(dataDir);
    expect(await filesIn(join(dataDir, "uploads"))).toEqual([]);
  });

  it("because the folder is another's answers 503 until it gives its port back", async () => {
    const owner = await startRegistry();
    const port = await bindRegistry({ host: "127.0.0.1", port: 0 });
    const starting = async () => {
      const { status, code, headers } = await ask("GET", `${port.url}/v2/`);
      return [status, code, headers["retry-after"]];
    };
    expect(await starting()).toEqual([503, "UNAVAILABLE", "1"]);
    await expect(port.open({ dataDir: owner.dataDir, key: owner.key })).rejects.toMatchObject({ code: "IN_USE" });
    expect(await starting()).toEqual([503, "UNAVAILABLE", "1"]);
    await port.close();
    await expect(starting()).rejects.toThrow(/ECONNREFUSED|socket hang up/);

    await owner.running.close();
    const next = await bindRegistry({ host: "127.0.0.1", port: Number(new URL(port.url).port) });
    const running = await next.open({ dataDir: owner.dataDir, key: owner.key });
    expect((await ask("GET", `${next.url}/v2/`)).status).toBe(401);
    await running.close();
  });
});
