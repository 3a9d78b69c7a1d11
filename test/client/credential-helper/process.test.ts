import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { type Reply, startFake } from "../support/server.ts";
import { configured } from "./support/configure.ts";

const main = fileURLToPath(new URL("../../../client/credential-helper/main.ts", import.meta.url));
const host = "registry.example.com";

/** One run, as a client starts it. */
async function run(args: string[], stdin: string, env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [main, ...args], { env, stdio: "pipe" });
  child.stdin.end(stdin);
  const exit = new Promise((resolve) => child.once("close", resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { stdout, stderr, code: await exit };
}

async function helperEnv(answer: Reply) {
  const { url } = await startFake(answer);
  const binding = { service: "function", url, platform: "local" };
  const account = { registry: "images", repository: "my-app", binding };
  return configured({ registries: { [host]: account } }, { ALIEN_CALLER_TOKEN: "caller-token" });
}

describe("a run", () => {
  it("answers on stdout, and ends", async () => {
    const body = { authMethod: "basic", username: "token", password: "minted", scope: "repository" };
    const { stdout, stderr, code } = await run(["get"], `${host}\n`, await helperEnv({ body }));
    expect(JSON.parse(stdout)).toEqual({ ServerURL: host, Username: "token", Secret: "minted" });
    expect([stderr, code]).toEqual(["", 0]);
  });

  it("says 'not found' alone on stdout, as clients look for it", async () => {
    const env = await helperEnv({});
    expect(await run(["get"], "elsewhere.example", env)).toEqual({
      stdout: "credentials not found in native keychain\n",
      stderr: "",
      code: 1,
    });
  });

  it("tells the function's refusal, with what to do and the request to look for", async () => {
    const body = { code: "ACCESS_DENIED", message: "No rule allows it.", hint: "Ask for one.", requestId: "r-1" };
    const { stdout, stderr, code } = await run(["get"], host, await helperEnv({ status: 403, body }));
    expect(stdout).toBe("docker-credential-alien: ACCESS_DENIED: No rule allows it. Ask for one. Request r-1.\n");
    expect([stderr, code]).toEqual(["", 1]);
  });

  it("tells it on one line, without what commands a terminal", async () => {
    const body = { code: "INVALID_INPUT", message: "\u001b]0;owned\u0007\nsecond", hint: "\u009b2J" };
    const { stdout } = await run(["get"], host, await helperEnv({ status: 400, body }));
    expect(stdout).toBe("docker-credential-alien: INVALID_INPUT: ?]0;owned??second ?2J\n");
  });

  it.each([{}, { authMethod: "basic", username: "token" }, { authMethod: "basic", password: "p" }])(
    "takes no other answer for credentials: %j",
    async (body) => {
      const { stdout, code } = await run(["get"], host, await helperEnv({ body }));
      expect(stdout).toContain("UNEXPECTED_RESPONSE_FORMAT");
      expect(code).toBe(1);
    },
  );

  it("repeats nothing of what a client wanted to store", async () => {
    const stored = JSON.stringify({ ServerURL: host, Username: "ann", Secret: "anns-password" });
    for (const stdin of [stored, stored.slice(0, -1)]) {
      const { stdout, stderr, code } = await run(["store"], stdin, await helperEnv({}));
      expect(stdout).toMatch(/stores nothing|is not JSON/);
      expect(stdout + stderr).not.toContain("anns-password");
      expect(code).toBe(1);
    }
  });

  it("fails where its answer cannot be written", async () => {
    const body = { authMethod: "basic", username: "token", password: "minted", scope: "repository" };
    const full = openSync("/dev/full", "w");
    const env = await helperEnv({ body });
    const child = spawn(process.execPath, [main, "get"], { env, stdio: ["pipe", full, "inherit"] });
    closeSync(full);
    child.stdin?.end(host);
    expect(await new Promise((resolve) => child.once("close", resolve))).toBe(1);
  });

  it.each(["--help", "-h"])("tells how it is used: %s", async (option) => {
    const { stdout, code } = await run([option], "");
    expect([stdout, code]).toEqual(["Usage: docker-credential-alien <store|get|erase|list|version>\n", 0]);
  });

  it("tells its version from the package", async () => {
    const { stdout, code } = await run(["version"], "");
    expect((await run(["--version"], "")).stdout).toBe(stdout);
    expect(stdout).toMatch(/^docker-credential-alien \(artifact-registry-functions\) \d+\.\d+\.\d+\n$/);
    expect(code).toBe(0);
  });
});
