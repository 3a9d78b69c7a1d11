import { chmod, chown, lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startFake } from "../support/server.ts";
import { startLocal, type TestSuite } from "../support/suite.ts";
import { alien, alienHere } from "./support/run.ts";

let suite: TestSuite;
let host: string;
let env: Record<string, string>;
beforeAll(async () => {
  suite = await startLocal();
  host = new URL(suite.registryUrl).host;
  const binding = { service: "function", url: suite.url, platform: "local" };
  env = { ALIEN_IMAGES_BINDING: JSON.stringify(binding), ALIEN_CALLER_TOKEN: suite.token };
  expect((await alienHere(["create", "my-app"], env)).code).toBe(0);
});
afterAll(() => suite.stop());

/** A folder for Docker's configuration, and one for programs, anew for each test. */
let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "login-"));
  file = join(folder, "docker/config.json");
  env = { ...env, DOCKER_CONFIG: join(folder, "docker"), PATH: `${join(folder, "bin")}:${process.env.PATH}` };
  return () => rm(folder, { recursive: true, force: true });
});

const login = (...options: string[]) => alienHere(["login", "my-app", ...options], env);
const written = async () => JSON.parse(await readFile(file, "utf8"));
async function configure(config: object | string) {
  await mkdir(join(folder, "docker"));
  await writeFile(file, typeof config === "string" ? config : JSON.stringify(config), { mode: 0o644 });
}
const passwordIn = ({ auth }: { auth: string }) =>
  Buffer.from(auth, "base64")
    .toString()
    .replace(/^token:/, "");

/** A credential helper that writes down its arguments, what the system shows of it, and what it was given, which it answers. */
async function installHelper(name: string, end = "exit 0", answer = "cat given") {
  await mkdir(join(folder, "bin"), { recursive: true });
  const program = join(folder, `bin/docker-credential-${name}`);
  const get = `[ "$1" = get ] && { ${answer}; exit; }`;
  const script = [
    "#!/bin/sh",
    `cd '${folder}'`,
    get,
    "tr '\\0' ' ' <\"/proc/$$/cmdline\" >arguments",
    "cat >given",
    end,
  ];
  await writeFile(program, `${script.join("\n")}\n`);
  await chmod(program, 0o755);
  return {
    ran: async () => (await readdir(folder)).includes("given"),
    arguments: () => readFile(join(folder, "arguments"), "utf8"),
    given: async () => JSON.parse(await readFile(join(folder, "given"), "utf8")),
  };
}

describe("without a credential helper", () => {
  it("writes what docker login writes, for the owner alone, with a warning", async () => {
    const { code, stdout, stderr } = await alien(["login", "my-app", "--permissions", "push-pull", "--ttl", "60"], env);
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^Logged in to ${host} for push-pull of my-app, until 20\\S+Z\\.\\n$`));
    expect(stderr).toContain(`warning: The password is stored in ${file} until it expires`);
    const { auths } = await written();
    expect(Object.keys(auths)).toEqual([host]);
    const { access } = JSON.parse(atob(passwordIn(auths[host]).split(".")[1] ?? ""));
    expect(access).toEqual([{ type: "repository", name: "images/my-app", actions: ["pull", "push"] }]);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, "docker"))).mode & 0o777).toBe(0o700);
    expect(await readdir(join(folder, "docker"))).toEqual(["config.json"]);
    expect(stdout + stderr).not.toContain(passwordIn(auths[host]));
  });

  it("keeps all that others wrote, and closes the file to them", async () => {
    const foreign = { HttpHeaders: { "X-Meta": "1" }, proxies: { default: { noProxy: "*" } } };
    await configure({
      ...foreign,
      auths: { "other.example": { auth: "YTpi", email: "e" }, [host]: { auth: "b2xkOm9sZA==" } },
    });
    expect(await login("--quiet")).toEqual({ code: 0, stdout: "", stderr: "" });
    const { auths, ...rest } = await written();
    expect(rest).toEqual(foreign);
    expect(auths["other.example"]).toEqual({ auth: "YTpi", email: "e" });
    expect(passwordIn(auths[host])).toMatch(/^eyJ/);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it("reads a file that an editor on Windows wrote", async () => {
    await configure('\uFEFF{\r\n  "auths": { "other.example": { "auth": "YTpi" } }\r\n}\r\n');
    expect((await login()).code).toBe(0);
    expect(Object.keys((await written()).auths)).toEqual(["other.example", host]);
  });

  it("leaves the file with its owner, whoever writes", async () => {
    // Only root can give a file away; others see that it stays theirs.
    const owner = process.getuid?.() === 0 ? 65_534 : (process.getuid?.() ?? 0);
    await configure({});
    await chown(file, owner, -1);
    expect((await login()).code).toBe(0);
    expect(await stat(file)).toMatchObject({ uid: owner });
  });

  it.each(["a file", "nothing yet"])("keeps a link to %s and writes what it leads to", async (target) => {
    await mkdir(join(folder, "docker"));
    if (target === "a file") await writeFile(join(folder, "elsewhere.json"), "{}");
    await symlink("../elsewhere.json", file);
    expect((await login()).code).toBe(0);
    expect((await lstat(file)).isSymbolicLink()).toBe(true);
    expect(Object.keys(JSON.parse(await readFile(join(folder, "elsewhere.json"), "utf8")).auths)).toEqual([host]);
  });

  it.each<[string, object | string, string]>([
    ["no JSON", "{", "is not a JSON object"],
    ["a list", "[]", "is not a JSON object"],
    ["odd auths", { auths: [] }, '"auths"'],
    ["odd helpers", { credHelpers: "x" }, '"credHelpers"'],
    ["an odd store", { credsStore: {} }, '"credsStore"'],
    ["a store that is a path", { credsStore: "../../bin/sh" }, "not the name of a program"],
  ])("leaves a configuration alone that is %s", async (_title, config, message) => {
    await configure(config);
    const before = await readFile(file, "utf8");
    const { code, stdout, stderr } = await login();
    expect([code, stdout]).toEqual([3, ""]);
    expect(stderr).toContain(message);
    expect(await readFile(file, "utf8")).toBe(before);
  });

  it("says where it cannot write", async () => {
    await writeFile(join(folder, "docker"), "a file");
    const { code, stderr } = await login();
    expect(code).toBe(3);
    expect(stderr).toContain("[BINDING_CONFIG_INVALID]\nhint:  Set DOCKER_CONFIG");
  });
});

describe("with a credential helper", () => {
  it("gives it the password on its standard input, and nowhere else", async () => {
    const helper = await installHelper("recording");
    await configure({ credsStore: "recording", auths: { [host]: { auth: "b2xkOm9sZA==" } } });
    const { code, stdout, stderr } = await alien(["login", "my-app"], env);
    expect([code, stderr]).toEqual([0, ""]);
    const { ServerURL, Username, Secret } = await helper.given();
    expect([ServerURL, Username]).toEqual([host, "token"]);
    expect(Secret).toMatch(/^eyJ/);
    expect(await helper.arguments()).toMatch(/docker-credential-recording store $/);
    // The password of before is gone as well; what is left tells that there is a login.
    expect(await written()).toEqual({ credsStore: "recording", auths: { [host]: {} } });
    expect(stdout).not.toContain(Secret);
  });

  it("takes the one of the host before the one for all", async () => {
    const [mine, all] = [await installHelper("mine"), "absent"];
    await configure({ credsStore: all, credHelpers: { [host]: "mine", "other.example": "absent" } });
    const { code, stdout } = await login("--json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      host,
      username: "token",
      expiresAt: expect.any(String),
      file,
      helper: "mine",
    });
    expect(await mine.ran()).toBe(true);
  });

  it.each([
    ["answers another login", `echo '{"ServerURL":"x","Username":"token","Secret":"its-own"}'`],
    ["has none afterwards", "echo 'credentials not found in native keychain'; exit 1"],
  ])("says that it is no login where the helper takes it and %s", async (_title, answer) => {
    await installHelper("dropping", "exit 0", answer);
    const config = { credHelpers: { [host]: "dropping" } };
    await configure(config);
    const { code, stdout, stderr } = await login();
    expect([code, stdout]).toEqual([3, ""]);
    expect(stderr).toContain(
      `docker-credential-dropping took the login and does not keep it: it answers for ${host} by itself.`,
    );
    expect(stderr).not.toContain("its-own");
    expect(await written()).toEqual(config);
  });

  it.each<[string, string | undefined, string]>([
    ["is not installed", undefined, "docker-credential-broken cannot be run."],
    [
      "refuses",
      "echo 'the store is locked'; exit 1",
      "docker-credential-broken did not store the login: the store is locked.",
    ],
    ["says the secret", "cat given; exit 1", "docker-credential-broken did not store the login."],
    ["dies", "kill -9 $$", "docker-credential-broken did not store the login."],
  ])("changes nothing where it %s", async (_title, end, message) => {
    const helper = end === undefined ? undefined : await installHelper("broken", end);
    await configure({ credsStore: "broken" });
    const { code, stdout, stderr } = await login();
    expect([code, stdout]).toEqual([3, ""]);
    expect(stderr).toContain(message);
    expect(await written()).toEqual({ credsStore: "broken" });
    if (helper) expect(stderr).not.toContain((await helper.given()).Secret);
  });
});

const described = {
  service: "x",
  registryEndpoint: "https://registry.example",
  upstreamRepositoryPrefix: "",
  capabilities: { credentials: { authMethod: "bearer", scope: "repository" }, tellsAbsence: true, unsupported: {} },
  health: { status: "healthy", findings: [] },
};

describe("where the registry takes bearer tokens", () => {
  const credentials = { authMethod: "bearer", username: "", password: "the-token", scope: "repository" };
  const loginAt = async (service: string) => {
    const { url } = await startFake({
      body: { ...described, service, ...credentials },
    });
    return login("--registry", "images", "--url", url, "--platform", "local", "--json");
  };

  it("Azure's has a user for them", async () => {
    expect((await loginAt("acr")).code).toBe(0);
    const { auth } = (await written()).auths["registry.example"];
    expect(atob(auth)).toBe("00000000-0000-0000-0000-000000000000:the-token");
  });

  it("others cannot be logged in to, and nothing is written", async () => {
    const { code, stderr } = await loginAt("external");
    expect(code).toBe(7);
    expect(JSON.parse(stderr).hint).toContain("--src-registry-token");
    expect(stderr).not.toContain("the-token");
    await expect(stat(file)).rejects.toMatchObject({ code: "ENOENT" });
  });
});

it.each(["nowhere", "mailto:x", "file:///x"])(
  "an endpoint that is none writes nothing: %s",
  async (registryEndpoint) => {
    const { url } = await startFake({
      body: { ...described, registryEndpoint, authMethod: "basic", username: "u", password: "p", scope: "repository" },
    });
    const { code, stderr } = await login("--registry", "images", "--url", url, "--platform", "local");
    expect([code, stderr]).toEqual([10, expect.stringContaining("[UNEXPECTED_RESPONSE_FORMAT]")]);
    await expect(stat(file)).rejects.toMatchObject({ code: "ENOENT" });
  },
);

it("what the function refuses writes nothing", async () => {
  const { code } = await alienHere(["login", "my-app", "--ttl", "60"], { ...env, ALIEN_CALLER_TOKEN: "another-token" });
  expect(code).toBe(4);
  await expect(stat(file)).rejects.toMatchObject({ code: "ENOENT" });
});
