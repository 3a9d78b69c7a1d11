import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openFunction, type QuickStartFunction, quickStart } from "./overview/quick-start.ts";
import { type CompanyNetwork, openCompanyNetwork } from "./support/company-network.ts";
import { installClient, type Project } from "./support/installed.ts";

const run = promisify(execFile);

let project: Project;
let called: QuickStartFunction;
let network: CompanyNetwork;
/** The binding of somebody in the company's network. */
let binding: Record<string, string>;
beforeAll(async () => {
  project = await installClient();
  called = await openFunction();
  network = await openCompanyNetwork(called.url);
  binding = { service: "function", url: network.url, platform: "local" };
  await writeFile(join(project.folder, "main.js"), quickStart.esm);
});
afterAll(async () => {
  await network?.stop();
  await called?.stop();
  await project?.remove();
});
beforeEach(() => void network.asked());

const tunnel = "CONNECT functions.example:443";

/** Runs a file of the project under Node, and answers what it prints. */
async function runNode(args: readonly string[], env: Record<string, string>, input = ""): Promise<string> {
  const own = { PATH: process.env.PATH, HOME: project.folder, ...called.env, ...env };
  const running = run(process.execPath, args, { cwd: project.folder, env: own });
  running.child.stdin?.end(input);
  return (await running.catch((error: { stdout: string }) => error)).stdout;
}

const commandLine = "node_modules/artifact-registry-functions/alien-registry.js";
const helper = "node_modules/artifact-registry-functions/docker-credential-alien.js";
const bound = (more: Record<string, string> = {}) => ({
  ALIEN_IMAGES_BINDING: JSON.stringify({ ...binding, ...more }),
});

describe("behind a proxy, with a CA of the company's own,", () => {
  it.each(["HTTPS_PROXY", "https_proxy"])(
    "the client calls the function: %s, and a binding with caFile",
    async (name) => {
      const env = { [name]: network.proxyUrl, ...bound({ caFile: network.caFile }) };
      called.check(await runNode(["main.js"], env));
      expect(new Set(network.asked())).toEqual(new Set([tunnel]));
    },
  );

  it("NODE_EXTRA_CA_CERTS names the CA as well", async () => {
    const env = { HTTPS_PROXY: network.proxyUrl, NODE_EXTRA_CA_CERTS: network.caFile, ...bound() };
    called.check(await runNode(["main.js"], env));
    expect(network.asked()).toContain(tunnel);
  });

  it("the command line calls it", async () => {
    const env = { HTTPS_PROXY: network.proxyUrl, ...bound({ caFile: network.caFile }) };
    expect(await runNode([commandLine, "create", "my-app", "--quiet"], env)).toBe("images/my-app\n");
    expect(network.asked()).toEqual([tunnel]);
  });

  it("the credential helper calls it", async () => {
    const account = { registry: "images", repository: "my-app", binding: { ...binding, caFile: network.caFile } };
    await writeFile(join(project.folder, "helper.json"), JSON.stringify({ registries: { "a.example": account } }));
    const env = { HTTPS_PROXY: network.proxyUrl, ALIEN_DOCKER_CREDENTIAL_CONFIG: "helper.json" };
    await runNode([commandLine, "create", "my-app"], {
      HTTPS_PROXY: network.proxyUrl,
      ...bound({ caFile: network.caFile }),
    });
    expect(await runNode([helper, "get"], env, "a.example")).toMatch(/^\{"ServerURL":"a.example","Username":"token"/);
    expect(network.asked()).toContain(tunnel);
  });

  it("a certificate of that CA is refused where nothing names it", async () => {
    const command = [commandLine, "get", "my-app", "--json", "--timeout", "1"];
    expect(await runNode(command, { HTTPS_PROXY: network.proxyUrl, ...bound() })).toBe("");
    expect(network.asked()).toContain(tunnel);
  });

  it("a CA file that cannot be read is named, before anything is sent", async () => {
    const env = bound({ caFile: "/nowhere/ca.pem" });
    const source = `import { artifactRegistry } from "artifact-registry-functions";
      await artifactRegistry("images").catch(({ code, message }) => console.log(code, message));`;
    await writeFile(join(project.folder, "refused.js"), source);
    expect(await runNode(["refused.js"], env)).toBe(
      "BINDING_CONFIG_INVALID The file /nowhere/ca.pem cannot be read.\n",
    );
  });

  it("the proxy is not asked for what NO_PROXY names", async () => {
    const env = { HTTPS_PROXY: network.proxyUrl, NO_PROXY: ".example", ...bound({ caFile: network.caFile }) };
    expect(await runNode([commandLine, "get", "my-app", "--timeout", "1"], env)).toBe("");
    expect(network.asked()).toEqual([]);
  });

  it("nor for a function on this machine", async () => {
    called.check(await runNode(["main.js"], { HTTP_PROXY: network.proxyUrl, HTTPS_PROXY: network.proxyUrl }));
    expect(network.asked()).toEqual([]);
  });

  it("GitHub is asked for a job's token through it", async () => {
    const env = {
      HTTPS_PROXY: network.proxyUrl,
      NODE_EXTRA_CA_CERTS: network.caFile,
      ACTIONS_ID_TOKEN_REQUEST_URL: "https://tokens.example/?job=1",
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: "t",
      ALIEN_IMAGES_BINDING: JSON.stringify({ ...binding, auth: { type: "github", audience: "a" } }),
    };
    await runNode([commandLine, "get", "my-app", "--timeout", "1"], env);
    expect(network.asked()).toContain("CONNECT tokens.example:443");
  });

  it("AWS is asked for the keys of a role through it", async () => {
    await writeFile(join(project.folder, "token"), "not-a-token");
    const env = {
      HTTPS_PROXY: network.proxyUrl,
      AWS_REGION: "eu-west-1",
      AWS_ROLE_ARN: "arn:aws:iam::111122223333:role/deployer",
      AWS_WEB_IDENTITY_TOKEN_FILE: join(project.folder, "token"),
      ALIEN_IMAGES_BINDING: JSON.stringify({ ...binding, platform: "aws", auth: { type: "aws" } }),
    };
    const fromSource = fileURLToPath(new URL("../../client/cli/main.ts", import.meta.url));
    await runNode([fromSource, "get", "my-app", "--timeout", "20"], env);
    expect(network.asked()).toContain("CONNECT sts.eu-west-1.amazonaws.com:443");
  });
});
