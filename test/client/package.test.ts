import { execFile } from "node:child_process";
import { readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { installClient, type Project } from "./support/installed.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../", import.meta.url));
/** KiB that the import of the client with a bearer token may load. */
const limit = 15;
/** KiB that the client may add to the bundle of a worker. */
const workerLimit = 15.5;
/** KiB that a run of the Docker credential helper may load, which each pull waits for. */
const helperLimit = 40.5;

/** A program of somebody who installed the package, and nothing else. */
let program: string;
let built: string;
let project: Project;
beforeAll(async () => {
  project = await installClient();
  program = project.folder;
  built = project.built;
});
afterAll(() => project.remove());

async function runProgram(source: string, env: Record<string, string> = {}) {
  await writeFile(join(program, "main.js"), source);
  return JSON.parse((await run(process.execPath, ["main.js"], { cwd: program, env })).stdout);
}

const listLoaded = `
  import { registerHooks } from "node:module";
  const loaded = [];
  registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context); } });
`;

describe("the package", () => {
  it("has manners", async () => {
    const { stdout } = await run("npx", ["publint", "--strict", built], { cwd: root });
    expect(stdout).toContain("All good!");
    await run("npx", ["attw", "--pack", built, "--profile", "esm-only"], { cwd: root });
  });

  it("has a page of its own, which leads nowhere that is not in the package", async () => {
    const page = await readFile(join(program, "node_modules/artifact-registry-functions/README.md"), "utf8");
    expect(page).toMatch(/^# /);
    expect(page).not.toMatch(/\]\((?!https?:|#)|<!--/);
  });

  it(`loads at most ${limit} KiB for a caller with a bearer token, and no SDK`, async () => {
    const source = `${listLoaded}
      const { artifactRegistry } = await import("artifact-registry-functions");
      await artifactRegistry("images", { url: "https://127.0.0.1:1", token: "t", timeoutMs: 1 }).catch(() => {});
      console.log(JSON.stringify(loaded));`;
    const loaded = (await runProgram(source)) as string[];
    const files = loaded.filter((url) => url.startsWith("file:")).map((url) => fileURLToPath(url));
    expect(files.length).toBeGreaterThan(0);
    expect(files.every((file) => file.includes("node_modules/artifact-registry-functions/"))).toBe(true);
    const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size));
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    expect(bytes / 1024).toBeLessThanOrEqual(limit);
    const code = await Promise.all(files.map((file) => readFile(file, "utf8")));
    expect(code.filter((text) => text.includes("commander."))).toEqual([]);
  });

  it("puts alien-registry on the path, with its parser in it, and serves without anything installed", async () => {
    const { bin } = JSON.parse(await readFile(join(built, "package.json"), "utf8"));
    const command = join(program, "node_modules/artifact-registry-functions", bin["alien-registry"]);
    await writeFile(
      join(program, "loaded.js"),
      `${listLoaded} process.on("exit", () => console.error(JSON.stringify(loaded)));`,
    );
    const options = { cwd: program, env: { PATH: process.env.PATH, NODE_OPTIONS: "--import ./loaded.js" } };
    const { stdout, stderr } = await run(command, ["--help"], options);
    expect(stdout).toContain("deprovision");
    expect(await readFile(command, "utf8")).toContain("commander.");
    const files = (JSON.parse(stderr) as string[]).filter((url) => url.startsWith("file:"));
    expect(files.filter((url) => !url.includes("/node_modules/artifact-registry-functions/"))).toEqual([]);
    const places = ["--port", "0", "--registry-port", "0", "--data-dir", join(program, "data")];
    const serving = run(command, ["serve", ...places], { cwd: program });
    const url = await new Promise<string>((resolve, reject) => {
      serving.catch(reject);
      let said = "";
      serving.child.stdout?.on("data", (chunk: string) => {
        said += chunk;
        if (/^ready$/m.test(said)) resolve(/API +(\S+)/.exec(said)?.[1] ?? "");
      });
    });
    for (const path of ["/livez", "/readyz", "/healthz"]) expect((await fetch(`${url}${path}`)).status).toBe(200);
    serving.child.kill("SIGTERM");
    await serving;
  });

  it(`puts docker-credential-alien on the path, which loads at most ${helperLimit} KiB, and no SDK or adapter`, async () => {
    const { bin } = JSON.parse(await readFile(join(built, "package.json"), "utf8"));
    const command = join(program, "node_modules/artifact-registry-functions", bin["docker-credential-alien"]);
    const binding = { service: "function", url: "http://127.0.0.1:1", platform: "local" };
    const registries = { "a.example": { registry: "images", repository: "my-app", binding } };
    await writeFile(join(program, "helper.json"), JSON.stringify({ registries }));
    await writeFile(
      join(program, "hooks.js"),
      `${listLoaded} process.on("exit", () => console.error(JSON.stringify(loaded)));`,
    );
    const env = {
      PATH: process.env.PATH,
      ALIEN_DOCKER_CREDENTIAL_CONFIG: "helper.json",
      NODE_OPTIONS: "--import ./hooks.js",
    };
    const loadedBy = async (action: string, input: string) => {
      const ended = run(command, [action], { cwd: program, env });
      ended.child.stdin?.end(input);
      const { stdout, stderr } = await ended.catch((error: { stdout: string; stderr: string }) => error);
      return { stdout, loaded: JSON.parse(stderr) as string[] };
    };
    // Nobody listens there: what a call needs has been loaded, and a token is what it lacks.
    const { stdout, loaded } = await loadedBy("get", "a.example");
    expect(stdout).toContain("AUTHENTICATION_ERROR");
    const files = loaded.filter((url) => url.startsWith("file:")).map((url) => fileURLToPath(url));
    expect(files.length).toBeGreaterThan(0);
    expect(files.every((file) => file.includes("node_modules/artifact-registry-functions/"))).toBe(true);
    const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size));
    expect(sizes.reduce((sum, size) => sum + size, 0) / 1024).toBeLessThanOrEqual(helperLimit);
    // What needs no call loads nothing for one.
    expect((await loadedBy("list", "")).loaded.length).toBeLessThan(loaded.length);
  });

  it("needs nothing installed for it, and says which package a form of authentication wants", async () => {
    const manifest = JSON.parse(await readFile(join(built, "package.json"), "utf8"));
    expect(manifest.dependencies).toBeUndefined();
    expect(Object.keys(manifest.peerDependenciesMeta)).toEqual(Object.keys(manifest.peerDependencies));
    const source = `
      import { connect } from "artifact-registry-functions";
      const hints = [];
      for (const platform of ["aws", "gcp", "azure"]) {
        const auth = platform === "azure" ? { type: "azure", audience: "api://x" } : undefined;
        const { call } = await connect("images", { url: "https://127.0.0.1:1", platform, auth });
        await call("describeRegistry", {}).catch((error) => hints.push([error.code, error.hint]));
      }
      console.log(JSON.stringify(hints));`;
    expect(await runProgram(source)).toEqual([
      ["BINDING_CONFIG_INVALID", "npm install @smithy/signature-v4 @aws-sdk/credential-provider-node"],
      ["BINDING_CONFIG_INVALID", "npm install google-auth-library"],
      ["BINDING_CONFIG_INVALID", "npm install @azure/identity"],
    ]);
  });

  it("throws errors that consoles and stacks show by the name of their class", async () => {
    const source = `
      import { inspect } from "node:util";
      import { ArtifactRegistryError } from "artifact-registry-functions";
      const error = new ArtifactRegistryError("TIMEOUT", "Too late.");
      const [stack] = error.stack.split("\\n");
      console.log(JSON.stringify([ArtifactRegistryError.name, error.name, stack, inspect(error).split("\\n")[0]]));`;
    const name = "ArtifactRegistryError";
    expect(await runProgram(source)).toEqual([name, name, `${name}: Too late.`, `${name}: Too late.`]);
  });

  it("brings what runs in process, and wants its SDK", async () => {
    const source = `
      import { artifactRegistry } from "artifact-registry-functions";
      const refusal = (env) => artifactRegistry("images", { mode: "direct", env }).catch(({ code, message }) => [code, message]);
      console.log(JSON.stringify([
        await refusal({}),
        await refusal({ ALIEN_IMAGES_BINDING: '{"service":"local","registryUrl":"nowhere","dataDir":"/nowhere"}' }),
      ]));`;
    const [unbound, local] = await runProgram(source);
    expect(unbound[0]).toBe("BINDING_NOT_CONFIGURED");
    expect(local[0]).toBe("BINDING_CONFIG_INVALID");
  });

  it.each([
    ["@smithy/signature-v4", { service: "ecr", repositoryPrefix: "images" }],
    [
      "google-auth-library",
      { service: "gar", projectId: "a-project", location: "europe-west1", repositoryName: "images" },
    ],
    [
      "@azure/identity",
      { service: "acr", registryName: "images", resourceGroupName: "g", loginServer: "images.azurecr.io" },
    ],
  ])("says that %s is needed to run in process", async (name, binding) => {
    const more = {
      ecr: { pullRoleArn: "arn:aws:iam::111122223333:role/pull", pushRoleArn: "arn:aws:iam::111122223333:role/push" },
      gar: {
        pullServiceAccountEmail: "pull@a-project.iam.gserviceaccount.com",
        pushServiceAccountEmail: "push@a-project.iam.gserviceaccount.com",
      },
      acr: {},
    }[binding.service];
    const source = `
      import { connect } from "artifact-registry-functions";
      const env = { AWS_REGION: "us-east-1", ALIEN_IMAGES_BINDING: ${JSON.stringify(JSON.stringify({ ...binding, ...more }))} };
      const refusal = async () => {
        const { call } = await connect("images", { mode: "direct", env });
        return call("generateCredentials", { repoId: "app", permissions: "pull" });
      };
      console.log(JSON.stringify(await refusal().catch(({ code, hint }) => [code, hint])));`;
    expect(await runProgram(source)).toEqual(["BINDING_CONFIG_INVALID", `npm install ${name}`]);
  });

  it("goes into a worker's bundle without any adapter", async () => {
    await writeFile(
      join(program, "worker.ts"),
      `import { artifactRegistry, type Registry } from "artifact-registry-functions";
       const registry: Registry = await artifactRegistry("images", { url: "https://x.example", token: "t" });
       const { uri }: { uri?: string } = await registry.createRepository("my-app");
       console.log(uri, registry.registryEndpoint);`,
    );
    const esbuild = [
      "esbuild",
      "worker.ts",
      "--bundle",
      "--minify",
      "--platform=node",
      "--format=esm",
      "--outfile=worker.js",
    ];
    await run(join(root, "node_modules/.bin", esbuild[0] ?? ""), esbuild.slice(1), { cwd: program });
    const { size } = await stat(join(program, "worker.js"));
    expect(size / 1024).toBeLessThanOrEqual(workerLimit);
    await symlink(join(root, "node_modules/@types"), join(program, "node_modules/@types"));
    const tsc = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2023", "--types", "node", "worker.ts"];
    await run(join(root, "node_modules/.bin/tsc"), tsc, { cwd: program });
  });
});
