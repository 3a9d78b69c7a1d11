import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { tool } from "../tools/tools.ts";
import { openFunction, type QuickStartFunction, quickStart } from "./overview/quick-start.ts";
import { installClient, type Project } from "./support/installed.ts";

const run = promisify(execFile);

let project: Project;
let called: QuickStartFunction;
beforeAll(async () => {
  project = await installClient();
  called = await openFunction();
});
afterAll(async () => {
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
    "--allow-net=127.0.0.1",
  ],
  bun: () => [tool("bun"), "run", "--no-install"],
};

describe.each(Object.keys(runtimes))("an empty project under %s", (name) => {
  it.each([
    ["mjs", quickStart.esm],
    ["cjs", quickStart.cjs],
  ])("runs the quick start as .%s", async (extension, source) => {
    const file = join(project.folder, `quick-start.${extension}`);
    await writeFile(file, source);
    const [program, ...args] = runtimes[name]?.() ?? expect.unreachable();
    const env = { ...called.env, HOME: project.folder, NO_COLOR: "1" };
    const { stdout } = await run(program, [...args, file], { cwd: project.folder, env });
    called.check(stdout);
  });
});
