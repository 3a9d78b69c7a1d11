import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { exitCodeOf } from "../../../client/cli/report.ts";
import { ArtifactRegistryError, type ErrorCode, statusOf } from "../../../core/errors.ts";
import { temporaryFolder } from "../../oci/support.ts";
import { startFake } from "../support/server.ts";
import { alien, alienHere, entry, start } from "./support/run.ts";

const token = "token-of-the-caller";
const at = (url: string) => ["--registry", "images", "--url", url, "--platform", "local"];

describe("exit codes", () => {
  it("are those of the table in the documentation", async () => {
    const page = await readFile(new URL("../../../docs/command-line.md", import.meta.url), "utf8");
    const rows = [...page.matchAll(/^\| (\d+) \| (.*?) \|/gm)];
    const told = new Map(
      rows.flatMap(([, exit, codes = ""]) =>
        [...codes.matchAll(/`([A-Z_]+)`/g)].map(([, code]) => [code, Number(exit)]),
      ),
    );
    for (const code of Object.keys(statusOf) as ErrorCode[]) {
      expect([code, told.get(code)]).toEqual([code, exitCodeOf(new ArtifactRegistryError(code, "x"))]);
    }
  });

  it("of what is a bug is 1", () => {
    expect(exitCodeOf(new TypeError("x"))).toBe(1);
  });
});

describe("an error of the function", () => {
  const wire = {
    code: "ACCESS_DENIED",
    message: "No rule allows it.\u001b]0;owned\u0007",
    retryable: false,
    httpStatusCode: 403,
    hint: "Ask for one.",
    requestId: "the-request",
  };

  it("is told with its hint and its request, and commands no terminal", async () => {
    const { url } = await startFake({ status: 403, body: wire });
    expect(await alien(["get", "my-app", ...at(url)], { ALIEN_CALLER_TOKEN: token })).toEqual({
      code: 4,
      stdout: "",
      stderr: "error: No rule allows it.?]0;owned? [ACCESS_DENIED]\nhint:  Ask for one.\nrequest the-request\n",
    });
  });

  it("is one line of JSON for scripts", async () => {
    const { url } = await startFake({ status: 403, body: wire });
    const { code, stdout, stderr } = await alien(["get", "my-app", "--json", ...at(url)], {
      ALIEN_CALLER_TOKEN: token,
    });
    expect({ code, stdout }).toEqual({ code: 4, stdout: "" });
    expect(stderr.split("\n")).toHaveLength(2);
    expect(JSON.parse(stderr)).toEqual(wire);
  });

  it("hides no command for terminals in JSON either", async () => {
    const { url } = await startFake({ status: 403, body: { ...wire, message: "\u009b2J\u007f" } });
    const { stderr } = await alienHere(["get", "my-app", "--json", ...at(url)], { ALIEN_CALLER_TOKEN: token });
    expect(stderr).toContain('"message":"\\u009b2J\\u007f"');
    expect(JSON.parse(stderr)).toMatchObject({ message: "\u009b2J\u007f" });
  });

  it.each([
    ["get", {}],
    ["get", { name: 5, uri: "u", createdAt: "2026-11-21T10:03:25.590Z" }],
    ["credentials", {}],
    ["credentials", { authMethod: "basic", username: "token", scope: "repository" }],
    ["access", { grants: [] }],
    ["describe", { status: "ok" }],
  ])("is what something else answers in its place: %s, %j", async (command, body) => {
    const { url } = await startFake({ body });
    const args = command === "describe" ? [command] : [command, "my-app"];
    const { code, stdout, stderr } = await alienHere([...args, ...at(url)], { ALIEN_CALLER_TOKEN: token });
    expect([code, stdout]).toEqual([10, ""]);
    expect(stderr).toContain("[UNEXPECTED_RESPONSE_FORMAT]");
  });

  it("is not a field that a later version adds", async () => {
    const body = { name: "images/x", uri: "127.0.0.1/images/x", createdAt: "2026-11-21T10:03:25.590Z", later: [1] };
    const { url } = await startFake({ body });
    const { code, stdout } = await alienHere(["get", "x", "--json", ...at(url)], { ALIEN_CALLER_TOKEN: token });
    expect([code, JSON.parse(stdout)]).toEqual([0, body]);
  });

  it("is also that its answer cannot be written", async () => {
    const full = openSync("/dev/full", "w");
    const child = spawn(process.execPath, [entry, "--help"], { stdio: ["ignore", full, "pipe"] });
    closeSync(full);
    const code = new Promise((resolve) => child.once("close", resolve));
    expect(await text(child.stderr as NodeJS.ReadableStream)).toBe("error: The answer cannot be written.\n");
    expect(await code).toBe(1);
  });

  it("keeps its exit code where nobody reads what it says", async () => {
    const { url } = await startFake({ status: 403, body: wire });
    const { child, ended } = start(["get", "my-app", ...at(url)], { ALIEN_CALLER_TOKEN: token });
    child.stderr?.destroy();
    expect(await ended).toMatchObject({ code: 4 });
  });

  it("that nobody can reach is to be tried again later, and tells no token", async () => {
    const { code, stdout, stderr } = await alien(["get", "my-app", ...at("http://127.0.0.1:1")], {
      ALIEN_CALLER_TOKEN: token,
    });
    expect({ code, stdout }).toEqual({ code: 9, stdout: "" });
    expect(stderr).toContain("[SERVICE_UNAVAILABLE]");
    expect(stderr).not.toContain(token);
  });
});

describe("a command line that cannot be understood", () => {
  it.each<[string, string[]]>([
    ["Unknown command 'frobnicate'.", ["frobnicate"]],
    ["Did you mean create?", ["creat", "x"]],
    ["Unknown option '--colour'.", ["create", "x", "--colour"]],
    ["Missing required argument 'name'.", ["create"]],
    ["Too many arguments", ["create", "a", "b"]],
    ["It must be a duration,", ["credentials", "a", "--ttl", "soon"]],
    ["It must be a whole number.", ["list", "--page-size", "few"]],
    ["Allowed choices are pull, push-pull.", ["credentials", "a", "--permissions", "push"]],
    ["It must be a duration from one second to a day.", ["get", "a", "--timeout", "0"]],
    ["--url and --platform go together.", ["get", "a", "--registry", "images", "--url", "http://127.0.0.1:1"]],
    ["--direct does not call a function", ["get", "a", "--direct", ...at("http://127.0.0.1:1")]],
    ["cannot be used with option", ["get", "a", "--json", "--quiet"]],
    ["--ttl must be at least 1 second.", ["credentials", "a", "--ttl", "0", ...at("http://127.0.0.1:1")]],
    ["there is no terminal to ask on", ["delete", "a", ...at("http://127.0.0.1:1")]],
    ["there is no terminal to ask on", ["deprovision", ...at("http://127.0.0.1:1")]],
  ])("%s", async (message, args) => {
    const { code, stdout, stderr } = await alienHere(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(message);
    expect(stderr).toContain("INVALID_INPUT");
  });

  it("is told in JSON too", async () => {
    const { code, stderr } = await alienHere(["create", "--json"]);
    expect(code).toBe(2);
    expect(JSON.parse(stderr)).toMatchObject({ code: "INVALID_INPUT", hint: "See `alien-registry create --help`." });
  });

  it("serves nothing, and says which setting is wrong", async () => {
    const { code, stdout, stderr } = await alien(["serve", "--port", "any", "--data-dir", "/nonexistent/data"]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toBe('error: PORT must be a port number, not "any".\n');
  });

  it("serves where the variable of a client is set: that is no binding of a server", async () => {
    const data = await temporaryFolder();
    const { child, ended } = start(["serve", "--port", "0", "--registry-port", "0", "--data-dir", data], {
      ALIEN_IMAGES_BINDING: '{"service":"function","url":"http://127.0.0.1:1","platform":"local"}',
    });
    child.stdout?.on("data", (text: Buffer) => void (/^ready$/m.test(String(text)) && child.kill("SIGINT")));
    expect(await ended).toMatchObject({ code: 0, stdout: expect.stringMatching(/^ready$/m) });
  });

  it("gets the help where there is none", async () => {
    const { code, stderr } = await alienHere([]);
    expect(code).toBe(2);
    expect(stderr).toContain("Usage: alien-registry");
  });
});

describe("the registry", () => {
  const bound = { service: "function", url: "http://127.0.0.1:1", platform: "local" };
  const ALIEN_IMAGES_BINDING = JSON.stringify(bound);
  const refused = async (env: Record<string, string>, ...args: string[]) => {
    const { code, stderr } = await alienHere(["get", "x", "--timeout", "1", ...args], env);
    return [code, stderr.split("\n")[0]];
  };

  it("is the one that is named, or the only one that is bound", async () => {
    const fake = await startFake({ body: { name: "x" } });
    const binding = JSON.stringify({ ...bound, url: fake.url });
    const env = { ALIEN_MY_IMAGES_BINDING: binding, ALIEN_CALLER_TOKEN: token };
    await alienHere(["get", "x"], env);
    await alienHere(["get", "x"], { ...env, ALIEN_OTHER_BINDING: binding, ALIEN_REGISTRY: "other" });
    await alienHere(["get", "x", "--registry", "my_images"], {
      ...env,
      ALIEN_OTHER_BINDING: binding,
      ALIEN_REGISTRY: "other",
    });
    expect(fake.seen.map(({ body }) => JSON.parse(body).registry)).toEqual(["my-images", "other", "my_images"]);
  });

  it("is refused where none or several could be meant, or none of the name is bound", async () => {
    expect(await refused({})).toEqual([3, "error: No registry is bound. [BINDING_NOT_CONFIGURED]"]);
    expect(await refused({ ALIEN_IMAGES_BINDING, ALIEN_OTHER_BINDING: ALIEN_IMAGES_BINDING })).toEqual([
      3,
      "error: Several registries are bound: images, other. [BINDING_NOT_CONFIGURED]",
    ]);
    expect(await refused({ ALIEN_IMAGES_BINDING }, "--registry", "other")).toEqual([
      3,
      'error: No function is bound for the registry "other". [BINDING_NOT_CONFIGURED]',
    ]);
    expect(await refused({ ALIEN_IMAGES_BINDING: "{" })).toEqual([
      3,
      "error: ALIEN_IMAGES_BINDING is not JSON. [BINDING_CONFIG_INVALID]",
    ]);
  });
});

describe("what takes too long", () => {
  it("ends when its time is over", async () => {
    const { url } = await startFake("silence");
    const { code, stderr } = await alien(["get", "x", "--timeout", "1", ...at(url)], { ALIEN_CALLER_TOKEN: token });
    expect(code).toBe(9);
    expect(stderr).toContain("[TIMEOUT]");
  });

  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("ends at %s, and says that the command may be repeated", async (signal, code) => {
    const fake = await startFake("silence");
    const { child, ended } = start(["get", "x", ...at(fake.url)], { ALIEN_CALLER_TOKEN: token });
    await expect.poll(() => fake.seen.length).toBe(1);
    child.kill(signal);
    expect(await ended).toMatchObject({ code, stdout: "", stderr: expect.stringMatching(/^Interrupted: .*safe\.\n$/) });
  });

  it("says at Ctrl-C how to go on with the end of a consumer, and goes on there", async () => {
    const fake = await startFake(
      { body: { changed: ["images-a", "images-b"], nextPageToken: "second" } },
      "silence",
      { body: { changed: ["images-c"] } },
      { body: { changed: [] } },
    );
    const { url } = fake;
    const asked = () => fake.seen.map(({ body }) => (JSON.parse(body) as { pageToken?: string }).pageToken);
    const command = ["cut-off", "aws:123456789012", "--yes", ...at(url)];
    const { child, ended } = start(command, { ALIEN_CALLER_TOKEN: token });
    await expect.poll(() => fake.seen.length).toBe(2);
    child.kill("SIGINT");
    const { code, stderr } = await ended;
    expect(code).toBe(130);
    const [, pageToken = ""] =
      /^Ended the access to 2 repositories\. To go on: alien-registry cut-off aws:123456789012 --registry images --page-token (\S+)$/m.exec(
        stderr,
      ) ?? [];
    const again = await alien([...command, "--page-token", pageToken], { ALIEN_CALLER_TOKEN: token });
    expect(again).toEqual({
      code: 0,
      stdout: "images-c\nEnded the access of aws:123456789012: 1 repository had let it in.\n",
      stderr: "",
    });
    // Where it stopped, and then a whole pass.
    expect(asked().slice(2)).toEqual(["second", undefined]);
  });
});
