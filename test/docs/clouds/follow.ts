import { execFile } from "node:child_process";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { delimiter, join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createApplication } from "../../../core/application.ts";
import { doorCaller } from "../../../core/caller.ts";
import { trustedDoor } from "../../../core/doors.ts";
import { handleEvent } from "../../../core/events.ts";
import { invoke } from "../../../core/invoke.ts";
import type { Environment, Platform } from "../../../core/platform.ts";
import { allowEverything } from "../../../core/rules.ts";
import { fixedRules } from "../../../core/rules-source.ts";
import { readDirectory } from "../../../core/suite.ts";
import type { Page } from "../pages.ts";
import { openWorkspace } from "../workspace.ts";

const bin = fileURLToPath(new URL("bin/", import.meta.url));
const run = promisify(execFile);

/** A cloud that an emulator plays, as the commands of a page meet it. */
export interface Cloud {
  /** What each command prints; what it does not know fails. */
  command(name: string, args: readonly string[]): Promise<string>;
  /** `host:port` of what the page reaches at `127.0.0.1:8080`. */
  readonly api?: string;
  /** A registry's host, and where that is here. */
  readonly registry: { readonly host: string; readonly here: string };
  /** What a page takes as given. */
  readonly env: Record<string, string>;
  stop(): Promise<void>;
}

/** The functions behind their doors, with an adapter over an emulator. What rules allow, other tests hold. */
export function functionsOf(platform: Platform, env: Environment) {
  const behind = (door: "invoke" | "events" | "provision") => {
    const rules = allowEverything(doorCaller(door));
    const directory = readDirectory(platform, env, rules, ["images", "builds"]);
    return createApplication({ directory, rules: fixedRules(rules), door: trustedDoor(door), audit: () => {} });
  };
  const applications = { invoke: behind("invoke"), events: behind("events"), provision: behind("provision") };
  return {
    async invoke(door: string, payload: string): Promise<string> {
      if (door !== "invoke" && door !== "provision") throw new Error(`There is no function behind ${door}.`);
      return JSON.stringify(await invoke(applications[door], JSON.parse(payload)));
    },
    async event(event: unknown): Promise<void> {
      const outcome = await handleEvent(applications.events, event);
      if (outcome.outcome !== "done") throw outcome.error;
    },
  };
}

/** The `provision` door where it is HTTP, which takes its payload at the root. */
export async function serveProvision(functions: ReturnType<typeof functionsOf>) {
  const server = createServer(async (request, response) => {
    response.end(await functions.invoke("provision", await text(request)).catch((error) => JSON.stringify(error)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Types the blocks of a page that a test is said to run. @returns what they printed, and the commands that were stood in for */
export async function follow(page: Page, by: string, cloud: Cloud): Promise<{ printed: string; called: string[] }> {
  const workspace = await openWorkspace();
  const called: string[] = [];
  const failures: unknown[] = [];
  const server = createServer(async (request, response) => {
    try {
      const [name = "", ...args] = JSON.parse(await text(request)) as string[];
      called.push([name, ...args].slice(0, 3).join(" "));
      response.end(await cloud.command(name, args));
    } catch (error) {
      failures.push(error);
      response.writeHead(500).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const commands = join(workspace.home, "bin");
    await mkdir(commands);
    for (const name of ["aws", "az", "gcloud", "helm", "kubectl", "npm", "tofu"])
      await symlink(join(bin, "stand-in"), join(commands, name));
    const blocks = page.blocks.filter(({ mark }) => mark?.kind === "tested-by" && mark.path === by);
    // `cd` leads into the links of the clone; each block begins where a reader's terminal stands, with the image beside it.
    const here = (text: string) => text.replaceAll("127.0.0.1:8080", cloud.api ?? "127.0.0.1:8080");
    const lines = blocks.map((block) => `${here(block.text)}cd "$START"\n`);
    await writeFile(join(workspace.home, "walk.sh"), `set -euo pipefail\n${lines.join("\n")}`);
    await run(process.execPath, [join(workspace.folder, "scripts/sample-image.ts")], { cwd: workspace.folder });
    const env = {
      PATH: [bin.replace(/\/$/, ""), commands, process.env.PATH].join(delimiter),
      HOME: workspace.home,
      XDG_RUNTIME_DIR: workspace.home,
      START: workspace.folder,
      STAND_INS: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      REGISTRY_HOST: cloud.registry.host,
      REGISTRY_HERE: cloud.registry.here,
      ...cloud.env,
    };
    // As in a terminal: what Node gives a child to print to is a socket, which no program can open by a path.
    const piped = ["-o", "pipefail", "-c", `bash "$0" | cat`, join(workspace.home, "walk.sh")];
    const walking = run("bash", piped, { cwd: workspace.folder, env, timeout: 1_000_000 });
    const { stdout } = await walking.catch((error) => {
      throw new Error([page.path, ...failures, error.stderr, error.stdout].join("\n"), { cause: error });
    });
    return { printed: stdout, called };
  } finally {
    server.closeAllConnections();
    server.close();
    await workspace.remove();
  }
}

/** The value of an option of a command. */
export function option(args: readonly string[], name: string): string {
  const inline = args.find((each) => each.startsWith(`${name}=`))?.slice(name.length + 1);
  const value = inline ?? args[args.indexOf(name) + 1];
  if (!args.includes(name) && inline === undefined) throw new Error(`${name} is not given: ${args.join(" ")}`);
  return value ?? "";
}
