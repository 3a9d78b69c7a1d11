import { spawn } from "node:child_process";
import { onTestFinished } from "vitest";
import { tool } from "../../tools/tools.ts";

export interface Shell {
  /** The line that stands there after TAB, as it would be run. */
  complete(typed: string): Promise<string>;
  end(): Promise<void>;
}

const lineStart = "\u0001";
const endOfInput = "\u0004";

/**
 * An interactive shell on a pseudo-terminal (`script` of util-linux).
 *
 * @param setUp what is typed first
 */
export async function onShell(command: string, setUp: string, env: Record<string, string>): Promise<Shell> {
  const child = spawn(tool("script"), ["-qec", command, "/dev/null"], {
    env: { ...env, TERM: "dumb", PS1: "> ", SHELL: "/bin/sh" },
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  let shown = "";
  let look = () => {};
  child.stdout.on("data", (chunk: Buffer) => {
    shown += chunk;
    look();
  });
  /** Types, and waits for a line that the shell prints. */
  const until = (typed: string, printed: RegExp) =>
    new Promise<string>((resolve, reject) => {
      shown = "";
      ended.then(() => reject(new Error(`${command} ended: ${shown}`)));
      look = () => {
        const found = printed.exec(shown);
        if (found) resolve(found[1] ?? "");
      };
      child.stdin.write(typed);
    });
  // What is typed before there is a prompt may be lost.
  await until("", /> /);
  await until(`${setUp}; echo it: $((40 + 2))\r`, /^it: 42\r?\n[\s\S]*> /m);
  return {
    // What is typed before the line makes the shell print it instead of running it.
    complete: (typed) => until(`${typed}\t${lineStart}echo it: \r`, /^it: (.*?)\r?\n[\s\S]*> /m),
    async end() {
      child.stdin.write(endOfInput);
      await ended;
    },
  };
}
