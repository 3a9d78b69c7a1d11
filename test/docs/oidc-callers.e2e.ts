import { execFile, execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { parse } from "yaml";
import { type LocalSuite, serveLocal } from "../../functions/local/serve.ts";
import { type GithubRunner, startGithubRunner } from "../support/github-runner.ts";
import { type Issuer, startIssuer } from "../support/issuer.ts";
import { readPages, root } from "./pages.ts";
import { formOf } from "./support/issuers.ts";
import { openWorkspace } from "./workspace.ts";

/** The jobs of docs/oidc-callers.md, as their runners run them. */
const page = "docs/oidc-callers.md";
const audience = "artifact-registry";
const run = promisify(execFile);

let folder: string;
let issuer: Issuer;
let suite: LocalSuite;
let runner: GithubRunner;
/** What the next job is, as the token tells. */
let subject: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "oidc-callers-"));
  issuer = await startIssuer(audience);
  // Both platforms' issuers are on the Internet: one of ours stands in their place.
  const rules = (await formOf(page, "rules")).replaceAll(
    /https:\/\/(token\.actions\.githubusercontent|gitlab)\.com/g,
    issuer.url,
  );
  suite = await serveLocal(
    {
      PORT: "0",
      REGISTRY_PORT: "0",
      DATA_DIR: join(folder, "data"),
      ALIEN_DOOR: "oidc",
      ALIEN_OIDC_ISSUERS: JSON.stringify([{ issuer: issuer.url, audience }]),
      ALIEN_ACCESS_RULES: rules,
    },
    { audit: () => {} },
  );
  runner = await startGithubRunner(issuer, () => subject);
  execFileSync(process.execPath, [join(root, "scripts/sample-image.ts")], { cwd: folder });
  const insecure = `[[registry]]\nlocation = "${new URL(suite.registryUrl).host}"\ninsecure = true\n`;
  // Where skopeo looks for what its user says of registries.
  await mkdir(join(folder, ".config/containers"), { recursive: true });
  await writeFile(join(folder, ".config/containers/registries.conf"), insecure);
});
afterAll(async () => {
  await suite.close();
  await issuer.stop();
  await runner.stop();
  await rm(folder, { recursive: true, force: true });
});

async function blocks(language: "yaml" | "ts"): Promise<string[]> {
  const all = (await readPages()).find(({ path }) => path === page)?.blocks ?? [];
  return all.filter((block) => block.language === language).map(({ text }) => text);
}

/** Both runners stop at the first command that fails. */
function shell(script: string, env: Record<string, string>) {
  const common = {
    PATH: process.env.PATH,
    HOME: folder,
    FUNCTION_URL: suite.url,
  };
  return run("bash", ["-e", "-o", "pipefail", "-c", script], { cwd: folder, env: { ...common, ...env } });
}

async function actionsJob() {
  const { permissions, jobs } = parse((await blocks("yaml"))[0] ?? "");
  expect(permissions).toMatchObject({ "id-token": "write" });
  return shell(jobs.push.steps[0].run, { ...runner.env });
}

async function gitlabJob() {
  const { push } = parse((await blocks("yaml"))[1] ?? "");
  const { aud } = push.id_tokens.REGISTRY_TOKEN;
  return shell(push.script[0], { REGISTRY_TOKEN: await issuer.sign({ sub: subject, aud }) });
}

it("GitHub's job pushes its image", async () => {
  subject = "repo:acme@1234567/app@7654321:ref:refs/heads/main";
  expect((await actionsJob()).stdout).toContain("Writing manifest");
  expect(runner.askedFor).toEqual([audience]);
});

it("a program in GitHub's job asks for its token by itself", async () => {
  const workspace = await openWorkspace();
  try {
    const [program = ""] = await blocks("ts");
    const here = program.replace("https://registry-functions.example", suite.url);
    await writeFile(join(workspace.folder, "program.ts"), here);
    await run(process.execPath, ["program.ts"], { cwd: workspace.folder, env: { ...runner.env } });
    expect(here).not.toBe(program);
    expect(runner.askedFor.length).toBeGreaterThan(1);
  } finally {
    await workspace.remove();
  }
});

it("GitLab's job pushes its image", async () => {
  subject = "project_path:acme/app:ref_type:branch:ref:main";
  expect((await gitlabJob()).stdout).toContain("Writing manifest");
});

it("a pull request's job is stopped at its first call", async () => {
  subject = "repo:acme@1234567/app@7654321:pull_request";
  await expect(actionsJob()).rejects.toMatchObject({ stderr: expect.stringContaining("403") });
  await expect(gitlabJob()).rejects.toMatchObject({ stderr: expect.stringContaining("403") });
});
