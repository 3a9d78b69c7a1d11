import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { smallDisks } from "../../support/small-disk.ts";
import { startLocal, type TestSuite } from "../support/suite.ts";
import { entry } from "./support/run.ts";

let suite: TestSuite;
let host: string;
beforeAll(async () => {
  suite = await startLocal();
  host = new URL(suite.registryUrl).host;
});
afterAll(() => suite.stop());

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "disk-full-"));
  return () => rm(folder, { recursive: true, force: true });
});

async function run([command = "", ...args]: readonly string[]) {
  const binding = { service: "function", url: suite.url, platform: "local" };
  const child = spawn(command, args, {
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      DOCKER_CONFIG: folder,
      ALIEN_IMAGES_BINDING: JSON.stringify(binding),
      ALIEN_CALLER_TOKEN: suite.token,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const code = new Promise<number | null>((resolve) => child.once("close", resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await code, stdout, stderr };
}

/** Docker's configuration with many logins: 44,357 bytes, as somebody had it who lost them. */
const before = JSON.stringify({
  auths: Object.fromEntries(
    Array.from({ length: 400 }, (_, i) => [
      `registry-${i}.example`,
      { auth: Buffer.from(`user:${i}`.padEnd(51)).toString("base64") },
    ]),
  ),
}).padEnd(44_357);

describe.each(smallDisks)("with $name that is nearly full", { timeout: 300_000 }, ({ around }) => {
  const login = (room: number) => run(around(folder, room, [process.execPath, entry, "login", "images/my-app"]));

  it.each([1, 20_480])("login leaves Docker's configuration as it was, and says so: room for %i", async (room) => {
    await writeFile(join(folder, "config.json"), before, { mode: 0o600 });
    const { code, stdout, stderr } = await login(room);
    expect([code, stdout]).toEqual([3, ""]);
    expect(stderr).toMatch(/config\.json cannot be written: (ENOSPC|EFBIG)\. .*\n.*No login was lost\./);
    expect(await readFile(join(folder, "config.json"), "utf8")).toBe(before);
    expect(await readdir(folder)).toEqual(["config.json"]);
  });

  it("login makes no configuration that is not whole", async () => {
    expect((await login(0)).code).toBe(3);
    expect(await readdir(folder)).toEqual([]);
  });

  it("login is whole where there is just the room", async () => {
    await writeFile(join(folder, "config.json"), before, { mode: 0o600 });
    expect(await login(128 * 1_024)).toMatchObject({ code: 0 });
    const { auths } = JSON.parse(await readFile(join(folder, "config.json"), "utf8"));
    expect(auths).toEqual({ ...JSON.parse(before).auths, [host]: { auth: expect.any(String) } });
    expect(await readdir(folder)).toEqual(["config.json"]);
  });
});
