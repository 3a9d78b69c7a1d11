import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { configured } from "../client/credential-helper/support/configure.ts";
import { startFake } from "../client/support/server.ts";
import { smallDisks } from "../support/small-disk.ts";

const root = join(import.meta.dirname, "../..");
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "stdout-"));
  return () => rm(folder, { recursive: true, force: true });
});

const repository = {
  name: "images/my-app",
  uri: "registry.example/images/my-app",
  createdAt: "2026-11-21T10:03:25.590Z",
};
const credentials = { authMethod: "basic", username: "token", password: "p".repeat(5_000), scope: "repository" };

interface Program {
  readonly name: string;
  readonly args: readonly string[];
  readonly stdin: string;
  /** What the function answers, one after the other. */
  readonly answers: readonly object[];
  env(url: string): Promise<Record<string, string>>;
}

const programs: readonly Program[] = [
  {
    name: "alien-registry",
    args: ["client/cli/main.ts", "credentials", "images/my-app", "--quiet"],
    stdin: "",
    answers: [credentials],
    env: async (url) => ({ ALIEN_IMAGES_BINDING: JSON.stringify({ service: "function", url, platform: "local" }) }),
  },
  {
    name: "docker-credential-alien",
    args: ["client/credential-helper/main.ts", "get"],
    stdin: "registry.example",
    answers: [credentials],
    env: (url) => {
      const binding = { service: "function", url, platform: "local" };
      const account = { registry: "images", repository: "my-app", binding };
      return configured({ registries: { "registry.example": account } });
    },
  },
  {
    name: "the refresher of pull secrets",
    args: ["functions/kubernetes/refresh.ts", "print"],
    stdin: "",
    answers: [repository, credentials],
    env: async (url) => ({
      FUNCTION_URL: url,
      PULL_SECRET_NAME: "registry-pull",
      PULL_SECRET_REGISTRY: "images",
      PULL_SECRET_REPOSITORIES: '["my-app"]',
    }),
  },
];

describe.each(programs)("what $name prints into a file", ({ args, stdin, answers, env }) => {
  async function run(around: (command: readonly string[]) => readonly string[] = (command) => command) {
    const { url } = await startFake(...answers.map((body) => ({ body })));
    const output = join(folder, "output");
    const node = [process.execPath, ...args.map((arg) => (arg.endsWith(".ts") ? join(root, arg) : arg))];
    const [command = "", ...rest] = around(["sh", "-c", 'exec "$@" >"$OUTPUT"', "sh", ...node]);
    const child = spawn(command, rest, {
      env: {
        PATH: process.env.PATH,
        HOME: folder,
        ALIEN_CALLER_TOKEN: "caller-token",
        OUTPUT: output,
        ...(await env(url)),
      },
      stdio: "pipe",
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    child.stdin.on("error", () => {}).end(stdin);
    const code = new Promise<number | null>((resolve) => child.once("close", resolve));
    const stderr = await text(child.stderr);
    return { code: await code, stderr, printed: await readFile(output, "utf8") };
  }

  it("is whole where there is room", async () => {
    const { code, stderr, printed } = await run();
    expect([code, stderr]).toEqual([0, ""]);
    expect(printed.length).toBeGreaterThan(5_000);
    expect(printed.endsWith("\n") || printed.endsWith("}")).toBe(true);
  });

  it.each(smallDisks)(
    "is an error where it does not fit: $name",
    async ({ around }) => {
      const { printed: whole } = await run();
      await rm(join(folder, "output"));
      // A file system counts that as whole pages: one of two.
      const { code, printed } = await run((command) => around(folder, whole.length - 1, command));
      expect([code, printed]).toEqual([1, whole.slice(0, printed.length)]);
      expect(printed.length).toBeLessThan(whole.length);
    },
    300_000,
  );
});
