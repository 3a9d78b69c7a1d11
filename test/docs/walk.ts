import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { freePorts } from "../e2e/ports.ts";
import { type Block, commandsOf, printedAs } from "./blocks.ts";
import { type Page, root } from "./pages.ts";
import { openWorkspace, type Workspace } from "./workspace.ts";

const run = promisify(execFile);
/** Between what the commands of a page print; no command prints it. */
const cut = "==== next command ====";

/** What a reader does who follows a page's `run` blocks from top to bottom. @throws Error with what was printed */
export async function walk(page: Page): Promise<void> {
  const workspace = await openWorkspace();
  const [port, registryPort] = (await freePorts(2)) as [number, number];
  const here = (text: string) =>
    text.replaceAll("127.0.0.1:8080", `127.0.0.1:${port}`).replaceAll("127.0.0.1:5050", `127.0.0.1:${registryPort}`);
  const steps = await Promise.all(
    page.blocks.filter(({ mark }) => mark?.kind === "run").map((block) => stepsOf(block, here, workspace)),
  );
  const env = {
    PATH: `${join(root, "node_modules/.bin")}:${process.env.PATH}`,
    HOME: workspace.home,
    DOCKER_CONFIG: join(workspace.home, ".docker"),
    XDG_RUNTIME_DIR: workspace.home,
    NO_COLOR: "1",
    ALIEN_CALLER_TOKEN: "the-caller-of-the-documentation",
  };
  const ports = { PORT: `${port}`, REGISTRY_PORT: `${registryPort}` };
  try {
    const server = await start(workspace.folder, { ...env, ...ports });
    try {
      await follow(page, steps.flat(), workspace, env);
    } finally {
      await stop(server);
    }
  } finally {
    await workspace.remove();
  }
}

/** Something to type, and what must come of it. */
interface Step {
  readonly text: string;
  readonly printed: readonly RegExp[];
  /** A command that is shown to print something may fail, if it prints that; every other must succeed. */
  readonly mayFail: boolean;
}

async function stepsOf(block: Block, here: (text: string) => string, { folder }: Workspace): Promise<Step[]> {
  const text = here(block.text);
  switch (block.language) {
    case "ts": {
      const file = `line-${block.line}.ts`;
      await writeFile(join(folder, file), text);
      return [{ text: `node ${file}`, printed: [], mayFail: false }];
    }
    case "console":
      return commandsOf(text)
        .filter((command) => !/^export \w+=\.\.\./.test(command.text))
        .map(({ text, printed }) => ({ text, printed: printed.map(printedAs), mayFail: printed.length > 0 }));
    default:
      return [{ text, printed: [], mayFail: false }];
  }
}

async function follow(page: Page, steps: readonly Step[], { folder, home }: Workspace, env: NodeJS.ProcessEnv) {
  const lines = steps.flatMap(({ text, mayFail }) => [`echo '${cut}'`, mayFail ? "set +e" : "set -e", text]);
  await writeFile(join(home, "walk.sh"), `set -o pipefail\nexec 2>&1\n${lines.join("\n")}\nexit 0\n`);
  const script = join(home, "walk.sh");
  const { stdout } = await run("bash", [script], { cwd: folder, env, timeout: 1_000_000 }).catch(({ stdout, code }) => {
    throw new Error(`${page.path}: the last command ended with ${code}.\n${stdout}`);
  });
  const printed = stdout.split(`${cut}\n`).slice(1);
  for (const [index, step] of steps.entries()) {
    for (const line of step.printed) {
      if (line.test(printed[index] ?? "")) continue;
      throw new Error(`${page.path}: ${step.text}\nshould have printed ${line}, but printed\n${printed[index]}`);
    }
  }
}

/** As README.md, docs/first-minute.md and docs/local.md start it. */
async function start(cwd: string, env: NodeJS.ProcessEnv): Promise<ChildProcess> {
  // A group of its own: npm does not pass signals on to what its scripts started.
  const server = spawn("npm", ["start"], { cwd, env, detached: true, stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(server, "exit").then(() => {
    throw new Error("npm start ended.");
  });
  ended.catch(() => {});
  let said = "";
  const ready = new Promise<void>((resolve) => {
    server.stdout?.on("data", (chunk) => {
      said = (said + chunk).slice(-10_000);
      if (/^ready$/m.test(said)) resolve();
    });
  });
  await Promise.race([ready, ended]);
  return server;
}

async function stop(server: ChildProcess): Promise<void> {
  const ended = once(server, "exit");
  if (server.pid !== undefined) process.kill(-server.pid, "SIGTERM");
  await ended;
}
