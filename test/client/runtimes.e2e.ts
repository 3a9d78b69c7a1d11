import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { tool } from "../tools/tools.ts";
import { openFunction, type QuickStartFunction, quickStart } from "./overview/quick-start.ts";
import { type CompanyNetwork, openCompanyNetwork } from "./support/company-network.ts";
import { installClient, type Project } from "./support/installed.ts";

const run = promisify(execFile);

let project: Project;
let called: QuickStartFunction;
let network: CompanyNetwork;
beforeAll(async () => {
  project = await installClient();
  called = await openFunction();
  network = await openCompanyNetwork(called.url);
});
afterAll(async () => {
  await network?.stop();
  await called?.stop();
  await project?.remove();
});

/** How each runtime runs a file of an npm project. Deno needs leave for what the program does, and fetches nothing. */
const runtimes: Readonly<Record<string, () => readonly [program: string, ...args: string[]]>> = {
  node: () => [process.execPath],
  deno: () => [
    tool("deno"),
    "run",
    "--cached-only",
    "--no-lock",
    "--allow-env",
    "--allow-read",
    "--allow-net=127.0.0.1,functions.example",
  ],
  bun: () => [tool("bun"), "run", "--no-install"],
};

async function runUnder(name: string, file: string, source: string, env: Readonly<Record<string, string>>) {
  await writeFile(join(project.folder, file), source);
  const [program, ...args] = runtimes[name]?.() ?? expect.unreachable();
  const own = { ...env, HOME: project.folder, NO_COLOR: "1" };
  return (await run(program, [...args, file], { cwd: project.folder, env: own })).stdout;
}

describe.each(Object.keys(runtimes))("an empty project under %s", (name) => {
  it.each([
    ["mjs", quickStart.esm],
    ["cjs", quickStart.cjs],
  ])("runs the quick start as .%s", async (extension, source) => {
    called.check(await runUnder(name, `quick-start.${extension}`, source, called.env));
  });

  it("calls a function behind a proxy, with a CA of the company's own", async () => {
    const env = {
      ...called.env,
      HTTPS_PROXY: network.proxyUrl,
      NODE_EXTRA_CA_CERTS: network.caFile,
      DENO_CERT: network.caFile,
      ALIEN_IMAGES_BINDING: JSON.stringify({ service: "function", url: network.url, platform: "local" }),
    };
    network.asked();
    called.check(await runUnder(name, "behind-a-proxy.mjs", quickStart.esm, env));
    expect(network.asked()).toContain("CONNECT functions.example:443");
  });
});
