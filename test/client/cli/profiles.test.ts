import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { startFake } from "../support/server.ts";
import { alien, alienHere } from "./support/run.ts";

/** A person's home, anew for each test, with programs of the clouds that write down how they were called. */
let home: string;
let env: Record<string, string>;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "profiles-"));
  await mkdir(join(home, ".config/alien"), { recursive: true });
  await mkdir(join(home, "bin"));
  env = { HOME: home, PATH: `${join(home, "bin")}:${process.env.PATH}` };
  return () => rm(home, { recursive: true, force: true });
});

const write = (profiles: unknown, file = ".config/alien/profiles.json") =>
  writeFile(join(home, file), typeof profiles === "string" ? profiles : JSON.stringify(profiles));

async function installProgram(name: string, end: string): Promise<() => Promise<string>> {
  const program = join(home, "bin", name);
  await writeFile(program, `#!/bin/sh\necho "$@" >>'${home}/${name}-called'\n${end}\n`);
  await chmod(program, 0o755);
  return () => readFile(join(home, `${name}-called`), "utf8");
}

const answer = { body: { name: "images/x" } };
const bearer = ({ seen }: Awaited<ReturnType<typeof startFake>>) => seen.map(({ headers }) => headers.authorization);
const get = ["get", "x", "--quiet"];
const done = { code: 0, stdout: "images/x\n", stderr: "" };

describe("a person calls a function with the login of the cloud's own command line:", () => {
  it("gcloud's, by a service account that the person impersonates", async () => {
    const fake = await startFake({ status: 503 }, answer);
    const called = await installProgram("gcloud", "echo google-token");
    const auth = { type: "gcloud", impersonate: "deployer@a-project.iam.gserviceaccount.com" };
    await write({ gcp: { registry: "images", url: fake.url, platform: "gcp", auth } });
    expect(await alienHere(get, env)).toEqual(done);
    expect(bearer(fake)).toEqual(["Bearer google-token", "Bearer google-token"]);
    // Once for a command, though the call was tried twice.
    expect(await called()).toBe(
      `auth print-identity-token --impersonate-service-account=${auth.impersonate} --audiences=${fake.url} --include-email\n`,
    );
  });

  it("az's, for the function's application", async () => {
    const fake = await startFake(answer);
    const called = await installProgram("az", "echo entra-token");
    const auth = { type: "az", audience: "api://artifact-registry" };
    await write({ azure: { registry: "images", url: fake.url, platform: "azure", auth } });
    expect(await alienHere(get, env)).toEqual(done);
    expect(bearer(fake)).toEqual(["Bearer entra-token"]);
    expect(await called()).toBe(
      "account get-access-token --scope=api://artifact-registry/.default --query=accessToken --output=tsv\n",
    );
  });

  it("aws's, by a profile of its configuration", async () => {
    const fake = await startFake(answer);
    const keys = (name: string) =>
      `[${name}]\naws_access_key_id = KEY-OF-${name}\naws_secret_access_key = not-a-secret\n`;
    await writeFile(join(home, "credentials"), keys("default") + keys("production"));
    const auth = { type: "aws", region: "eu-west-1", profile: "production" };
    await write({ aws: { registry: "images", url: fake.url, platform: "aws", auth } });
    const files = { AWS_SHARED_CREDENTIALS_FILE: join(home, "credentials"), AWS_CONFIG_FILE: join(home, "none") };
    expect(await alien(get, { ...env, ...files })).toEqual(done);
    expect(bearer(fake)).toEqual([expect.stringMatching(/^AWS4-HMAC-SHA256 Credential=KEY-OF-production\//)]);
  });

  it.each([
    ["is not installed", undefined, "az is not installed, or not on the PATH."],
    ["is not logged in", "echo 'the-secret' >&2; exit 1", "az gave no token."],
  ])("and is told when it %s", async (_title, end, message) => {
    if (end !== undefined) await installProgram("az", end);
    const auth = { type: "az", audience: "api://x" };
    await write({ azure: { registry: "images", url: "http://127.0.0.1:1", platform: "azure", auth } });
    const { code, stderr } = await alienHere(get, { ...env, PATH: join(home, "bin") });
    expect(code).toBe(4);
    expect(stderr).toContain(`${message} [AUTHENTICATION_ERROR]\nhint:  Log in with \`az login\`.`);
    expect(stderr).not.toContain("the-secret");
  });

  it("which no shell reads anything into", async () => {
    const auth = { type: "az", audience: "api://x & echo" };
    await write({ azure: { registry: "images", url: "http://127.0.0.1:1", platform: "azure", auth } });
    expect(await alienHere(get, env)).toMatchObject({ code: 3, stderr: expect.stringContaining("has a character") });
  });
});

describe("the profile", () => {
  const local = (url: string, registry = "images") => ({
    registry,
    url,
    platform: "local",
    auth: { type: "token", variable: "MY_TOKEN" },
  });
  const registries = ({ seen }: Awaited<ReturnType<typeof startFake>>) =>
    seen.map(({ body }) => JSON.parse(body).registry);

  it("is the one that is named, by the option before the variable", async () => {
    const fake = await startFake(answer);
    await write({ one: local(fake.url, "first"), two: local(fake.url, "second") });
    const own = { ...env, MY_TOKEN: "t", ALIEN_PROFILE: "two" };
    await alienHere(get, own);
    await alienHere([...get, "--profile", "one"], own);
    await alienHere([...get, "--profile", "one", "--registry", "third"], own);
    expect(registries(fake)).toEqual(["second", "first", "third"]);
  });

  it("is the only one of the file, unless something else is bound or named", async () => {
    const [fake, other] = [await startFake(answer), await startFake(answer)];
    await write({ one: local(fake.url) });
    const own = { ...env, MY_TOKEN: "t", ALIEN_CALLER_TOKEN: "t" };
    await alienHere(get, own);
    const bound = JSON.stringify({ service: "function", url: other.url, platform: "local" });
    await alienHere(get, { ...own, ALIEN_OTHER_BINDING: bound });
    await alienHere([...get, "--registry", "other", "--url", other.url, "--platform", "local"], own);
    expect([fake.seen.length, other.seen.length]).toEqual([1, 2]);
  });

  it("stands in another file where ALIEN_PROFILES says so", async () => {
    const fake = await startFake(answer);
    await write({ one: local(fake.url) }, "mine.json");
    await alienHere(get, { ...env, MY_TOKEN: "t", ALIEN_PROFILES: join(home, "mine.json") });
    expect(fake.seen.length).toBe(1);
  });

  it.each<[string, unknown, string[], number, string]>([
    ["none has the name", { one: local("http://127.0.0.1:1") }, ["--profile", "two"], 3, 'There is no profile "two".'],
    [
      "several could be meant",
      { a: local("http://127.0.0.1:1"), b: local("http://127.0.0.1:1") },
      [],
      3,
      "There are several profiles.",
    ],
    ["the file is no JSON", "{", ["--profile", "a"], 3, "is wrong at the file."],
    ["a field is not known", { a: { ...local("http://127.0.0.1:1"), secret: "s3" } }, [], 3, "is wrong at a.secret."],
    [
      "a url stands beside it",
      {},
      ["--profile", "a", "--url", "http://127.0.0.1:1", "--platform", "local"],
      2,
      "cannot be combined",
    ],
  ])("is refused where %s", async (_title, profiles, options, code, message) => {
    await write(profiles);
    const ended = await alienHere([...get, ...options], env);
    expect(ended).toMatchObject({ code, stdout: "", stderr: expect.stringContaining(message) });
    expect(ended.stderr).not.toContain("s3");
  });

  it("is read as an editor on Windows writes it", async () => {
    const fake = await startFake(answer);
    await write(`\uFEFF${JSON.stringify({ one: local(fake.url) }, undefined, 2).replaceAll("\n", "\r\n")}\r\n`);
    expect(await alienHere(get, { ...env, MY_TOKEN: "t" })).toEqual(done);
  });

  it("is read as the documentation shows it", async () => {
    const page = await readFile(new URL("../../../docs/command-line.md", import.meta.url), "utf8");
    await write(/profiles\.test\.ts -->\n```json\n(.*?)```/s.exec(page)?.[1] ?? "");
    const { stderr } = await alienHere([...get, "--profile", "none"], env);
    expect(stderr).toContain("profiles.json has production, google, azure.");
  });

  it("is refused where it is named and there is no file", async () => {
    expect(await alienHere([...get, "--profile", "a"], env)).toMatchObject({
      code: 3,
      stderr: expect.stringContaining("cannot be read"),
    });
  });
});
