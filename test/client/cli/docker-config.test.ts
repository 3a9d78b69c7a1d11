import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { editConfig } from "../../../client/cli/docker/config-file.ts";

const module = join(import.meta.dirname, "../../../client/cli/docker/config-file.ts");
let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "docker-config-"));
  file = join(folder, "config.json");
  return () => rm(folder, { recursive: true, force: true });
});

const never = new AbortController().signal;
const logIn = (host: string, { signal = never, patienceMs }: { signal?: AbortSignal; patienceMs?: number } = {}) =>
  editConfig(file, (config) => ({ ...config, auths: { ...config.auths, [host]: {} } }), signal, patienceMs);
const hosts = async () => Object.keys(JSON.parse(await readFile(file, "utf8")).auths).sort();
const lock = () => `${file}.alien-registry.lock`;

describe("logins at the same time", () => {
  it("lose nothing in one process", async () => {
    const names = Array.from({ length: 20 }, (_, i) => `host-${i}`).sort();
    await Promise.all(names.map((name) => logIn(name)));
    expect(await hosts()).toEqual(names);
    expect(await readdir(folder)).toEqual(["config.json"]);
  });

  it("lose nothing in several processes", async () => {
    const program = `
      import { editConfig } from ${JSON.stringify(module)};
      const [file, name] = process.argv.slice(1);
      for (let i = 0; i < 15; i += 1) {
        const edit = (config) => ({ ...config, auths: { ...config.auths, [name + "-" + i]: {} } });
        await editConfig(file, edit, new AbortController().signal);
      }`;
    const names = ["a", "b", "c", "d"];
    const codes = names.map(async (name) => {
      const args = ["--input-type=module", "--eval", program, file, name];
      const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] });
      onTestFinished(() => void child.kill("SIGKILL"));
      return (await once(child, "close"))[0];
    });
    expect(await Promise.all(codes)).toEqual([0, 0, 0, 0]);
    expect(await hosts()).toEqual(names.flatMap((name) => Array.from({ length: 15 }, (_, i) => `${name}-${i}`)).sort());
    expect(await readdir(folder)).toEqual(["config.json"]);
  }, 120_000);

  it("keep what Docker, which knows no lock, writes in the midst of them", async () => {
    await writeFile(file, "{}");
    let edits = 0;
    await editConfig(
      file,
      (config) => {
        edits += 1;
        // Between the reading and the renaming.
        if (edits === 1) writeFileSync(file, '{"auths":{"docker":{}}}');
        return { ...config, auths: { ...config.auths, ours: {} } };
      },
      never,
    );
    expect(await hosts()).toEqual(["docker", "ours"]);
    expect(await readdir(folder)).toEqual(["config.json"]);
  });
});

describe("the lock", () => {
  it("is waited for, and the waiting can be ended", async () => {
    await writeFile(lock(), "");
    const interrupt = new AbortController();
    const waiting = logIn("late", { signal: interrupt.signal });
    interrupt.abort(new Error("interrupted"));
    await expect(waiting).rejects.toThrow("interrupted");
    expect(await readdir(folder)).toEqual(["config.json.alien-registry.lock"]);
  });

  it("is waited for until its owner has gone", async () => {
    await writeFile(lock(), "");
    let done = false;
    const waiting = logIn("late", { patienceMs: Number.POSITIVE_INFINITY }).then(() => {
      done = true;
    });
    await logInElsewhere();
    expect(done).toBe(false);
    await rm(lock());
    await waiting;
    expect(await hosts()).toEqual(["late"]);
  });

  it("is broken where a killed login has left it, with the passwords that lie beside it", async () => {
    await writeFile(lock(), "");
    const foreign = ["config.json.backup", "config.json123456", "config.json.5f1e.tmp", "xconfig.json.tmp"];
    for (const name of foreign) await writeFile(join(folder, name), "somebody else's");
    await writeFile(`${file}.0b6c6a5e-54f4-4d7b-9f0c-3a1f6f1d2c3b.tmp`, '{"auths":{"a":{"auth":"');
    await logIn("next", { patienceMs: 0 });
    expect(await hosts()).toEqual(["next"]);
    expect(await readdir(folder)).toEqual([...foreign, "config.json"].sort());
  });

  /** As many turns of the event loop as a whole login takes. */
  async function logInElsewhere() {
    const elsewhere = join(folder, "elsewhere/config.json");
    await editConfig(elsewhere, (config) => config, never);
  }
});

describe("the file", () => {
  it.each([
    [0o644, 0o600],
    [0o600, 0o600],
    [0o400, 0o400],
    [0o777, 0o600],
  ])("of mode %o has %o afterwards: others never get more than they had", async (before, after) => {
    await writeFile(file, "{}");
    await chmod(file, before);
    await logIn("host");
    expect((await stat(file)).mode & 0o777).toBe(after);
  });

  it("is found through links to links, also where the last one leads to nothing yet", async () => {
    await mkdir(join(folder, "dotfiles/docker"), { recursive: true });
    await symlink("dotfiles/docker", join(folder, "docker"));
    await symlink("../second.json", join(folder, "dotfiles/docker/config.json"));
    await symlink("third.json", join(folder, "dotfiles/second.json"));
    file = join(folder, "docker/config.json");
    await logIn("host");
    expect(await hosts()).toEqual(["host"]);
    expect(await readdir(join(folder, "dotfiles"))).toEqual(["docker", "second.json", "third.json"]);
    expect(await readdir(join(folder, "dotfiles/docker"))).toEqual(["config.json"]);
    for (const link of ["docker", "docker/config.json", "dotfiles/second.json"]) {
      expect((await lstat(join(folder, link))).isSymbolicLink(), link).toBe(true);
    }
  });

  it("is refused where links go in a circle", async () => {
    await symlink("b", join(folder, "config.json"));
    await symlink("config.json", join(folder, "b"));
    await expect(logIn("host")).rejects.toMatchObject({ code: "BINDING_CONFIG_INVALID" });
    expect(await readdir(folder)).toEqual(["b", "config.json"]);
  });

  it("is refused where it is no file", async () => {
    const server = createServer().listen(join(folder, "socket"));
    await once(server, "listening");
    onTestFinished(() => void server.close());
    await symlink("socket", file);
    await expect(logIn("host")).rejects.toMatchObject({ code: "BINDING_CONFIG_INVALID" });
    expect((await stat(file)).isSocket()).toBe(true);
    await rm(file);
    await mkdir(file);
    await expect(logIn("host")).rejects.toMatchObject({ code: "BINDING_CONFIG_INVALID" });
    expect((await stat(file)).isDirectory()).toBe(true);
    expect((await readdir(folder)).sort()).toEqual(["config.json", "socket"]);
  });
});
