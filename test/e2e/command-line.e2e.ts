import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildImage, buildIndex } from "../oci/client/images.ts";
import { tool } from "../tools/tools.ts";
import { onShell } from "./command-line/shell.ts";
import { helperClients } from "./credential-helper/clients.ts";
import { filesWith } from "./credential-helper/home.ts";
import { installHelper } from "./credential-helper/install.ts";
import { startPasswordStore } from "./credential-helper/store.ts";
import { digestsIn, digestsOf, writeLayout } from "./layout.ts";
import { type Suite, startSuite } from "./server.ts";

const run = promisify(execFile);
const image = buildImage({ seed: "command-line", layers: [1_000, 200_000] });

let suite: Suite;
let folder: string;
let path: string;
let env: Record<string, string>;
beforeAll(async () => {
  suite = await startSuite();
  folder = await mkdtemp(join(tmpdir(), "cli-"));
  const installed = await installHelper(join(folder, "installed"));
  path = `${join(folder, "installed/npm/bin")}:${installed.path}`;
  const binding = { service: "function", url: suite.url, platform: "local" };
  env = { PATH: path, ALIEN_IMAGES_BINDING: JSON.stringify(binding), ALIEN_CALLER_TOKEN: suite.callerToken };
  await writeLayout(join(folder, "layout"), image, "v1");
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await suite.stop();
});

/** The installed command, under a Docker configuration of its own; every program that it runs is noted. */
async function at(home: string, config: object, more: Record<string, string> = {}) {
  const docker = join(home, "docker");
  await mkdir(docker, { recursive: true });
  await writeFile(join(docker, "config.json"), JSON.stringify(config));
  const programs = [path, more.PATH].filter(Boolean).join(":");
  const own = {
    ...env,
    ...more,
    PATH: programs,
    DOCKER_CONFIG: docker,
    REGISTRY_AUTH_FILE: join(docker, "config.json"),
  };
  const trace = join(home, "trace");
  return {
    own,
    config: async () => JSON.parse(await readFile(join(docker, "config.json"), "utf8")),
    commandLines: () => readFile(trace, "utf8"),
    async alien(...args: string[]) {
      const strace = ["-f", "-qq", "-A", "-s", "1000000", "-e", "trace=execve", "-o", trace, "alien-registry", ...args];
      return (await run(tool("strace"), strace, { env: { HOME: home, ...own } })).stdout;
    },
  };
}

test("after login skopeo, crane and podman push and pull what the login is for, and no more", async () => {
  const home = join(folder, "file");
  const { alien, config, own, commandLines } = await at(home, { auths: { "other.example": { auth: "YTpi" } } });
  const name = (await alien("create", "app", "--quiet")).trim();
  const other = (await alien("create", "other", "--quiet")).trim();
  const clients = await helperClients(home, own);
  const reference = (tag: string, repository = name) => `${suite.registry}/${repository}:${tag}`;

  await alien("login", name, "--permissions", "push-pull");
  for (const client of ["skopeo", "crane"] as const) {
    expect(await clients.push(client, join(folder, "layout"), reference(client))).toMatchObject({ ok: true });
  }
  expect(await clients.push("skopeo", join(folder, "layout"), reference("v1", other))).toMatchObject({ ok: false });

  await alien("login", name);
  for (const client of ["skopeo", "crane", "podman"] as const) {
    const pulled = await clients.pull(client, reference("skopeo"));
    expect(pulled.ok, pulled.output).toBe(true);
    if (client !== "podman") expect(await digestsIn(pulled.into)).toEqual(digestsOf(image));
  }
  expect(await clients.push("skopeo", join(folder, "layout"), reference("v2"))).toMatchObject({ ok: false });

  const { auths } = await config();
  expect(Object.keys(auths).sort()).toEqual([suite.registry, "other.example"].sort());
  const [, password = ""] = Buffer.from(auths[suite.registry].auth, "base64").toString().split(":");
  expect(password.length).toBeGreaterThan(20);
  const lines = (await commandLines()) + (await clients.commandLines());
  expect(lines).toContain('"login"');
  expect([password, suite.callerToken].filter((secret) => lines.includes(secret))).toEqual([]);
});

test("login gives the password to a real credential helper, and it lies nowhere in clear", async () => {
  const home = join(folder, "pass");
  const store = await startPasswordStore(join(home, "store"));
  try {
    const { alien, config, own, commandLines } = await at(
      home,
      { credHelpers: { [suite.registry]: "pass" } },
      store.env,
    );
    const name = (await alien("create", "kept", "--quiet")).trim();
    await alien("login", name, "--permissions", "push-pull");
    expect(await config()).toEqual({ credHelpers: { [suite.registry]: "pass" }, auths: { [suite.registry]: {} } });
    const clients = await helperClients(home, own);
    const pushed = await clients.push("skopeo", join(folder, "layout"), `${suite.registry}/${name}:v1`);
    expect(pushed.ok, pushed.output).toBe(true);
    const get = run("docker-credential-pass", ["get"], { env: { HOME: home, ...own } });
    get.child.stdin?.end(suite.registry);
    const { Secret } = JSON.parse((await get).stdout);
    const lines = (await commandLines()) + (await clients.commandLines());
    expect(lines).toMatch(/docker-credential-pass", "store"\]/);
    expect(lines).not.toContain(Secret);
    expect(await filesWith([home], [Secret])).toEqual([]);
  } finally {
    await store.stop();
  }
});

test("what push sends skopeo pulls, and what skopeo pushes pull gets: folders, archives, and both platforms", async () => {
  const home = join(folder, "transfer");
  const { alien } = await at(home, {});
  const index = buildIndex({ seed: "transfer", layers: [10, 3_000_000] });
  await writeLayout(join(home, "from"), index, "v1");
  const name = (await alien("create", "travels", "--quiet")).trim();
  const { username, password } = await suite.mint(name, "push-pull");
  const skopeo = (...args: string[]) =>
    run(tool("skopeo"), ["--insecure-policy", "copy", "--all", "--preserve-digests", ...args]);
  const reference = (tag: string) => `docker://${suite.registry}/${name}:${tag}`;
  const [from, to] = ["src", "dest"].map((end) => [
    `--${end}-tls-verify=false`,
    `--${end}-creds=${username}:${password}`,
  ]);

  await alien("push", join(home, "from"), `${name}:ours`);
  await skopeo(...(from ?? []), reference("ours"), `oci:${join(home, "skopeo")}:v1`);
  expect(await digestsIn(join(home, "skopeo"))).toEqual(digestsOf(index));

  await skopeo(`oci:${join(home, "skopeo")}:v1`, `oci-archive:${join(home, "skopeo.tar")}:v1`);
  await alien("push", join(home, "skopeo.tar"), `${name}:archive`);
  await skopeo(...(to ?? []), `oci:${join(home, "skopeo")}:v1`, reference("theirs"));
  for (const tag of ["archive", "theirs"]) {
    const archive = join(home, `${tag}.tar`);
    await alien("pull", `${name}:${tag}`, archive);
    await skopeo(`oci-archive:${archive}:${tag}`, `oci:${join(home, tag)}:v1`);
    expect(await digestsIn(join(home, tag))).toEqual(digestsOf(index));
  }
});

describe("completion", () => {
  const rows = [
    ["bash", "bash --norc --noprofile -i", 'eval "$(alien-registry complete bash)"'],
    ["zsh", "zsh -f -i", 'autoload -U compinit; compinit -u -D; eval "$(alien-registry complete zsh)"'],
  ] as const;

  test.each(rows)("in %s completes what is typed at a terminal", async (_name, command, setUp) => {
    const shell = await onShell(command, setUp, { PATH: path, HOME: folder });
    for (const [typed, completed] of [
      ["alien-registry depr", "alien-registry deprovision"],
      ["alien-registry delete x --ye", "alien-registry delete x --yes"],
      ["alien-registry login --permissions push", "alien-registry login --permissions push-pull"],
      ["alien-registry get --platform az", "alien-registry get --platform azure"],
    ] as const) {
      expect(await shell.complete(typed)).toBe(completed);
    }
    await shell.end();
  });

  test("in fish completes what is typed", async () => {
    const ask = async (line: string) => {
      const script = `alien-registry complete fish | source; complete -C ${JSON.stringify(line)}`;
      const { stdout, stderr } = await run(tool("fish"), ["--no-config", "-c", script], {
        env: { PATH: path, HOME: folder },
      });
      expect(stderr).toBe("");
      return stdout.split("\n").flatMap((offered) => offered.split("\t")[0] || []);
    };
    expect(await ask("alien-registry de")).toEqual(["delete", "delete-image", "deprovision", "describe"]);
    expect(await ask("alien-registry delete --ye")).toEqual(["--yes"]);
    expect(await ask("alien-registry get x --platform a")).toEqual(["aws", "azure"]);
    expect(await ask("alien-registry complete ")).toEqual(["bash", "fish", "zsh"]);
  });
});
