/** What a person at a terminal sees while a command runs: a question before it destroys something, and its progress. */
import { createInterface } from "node:readline/promises";
import { invalidInput } from "../../core/errors.ts";
import { Declined, Interrupted } from "./report.ts";
import { paint, printable } from "./terminal.ts";

/**
 * Asks before something is destroyed. Only `y` and `yes` mean yes.
 *
 * @throws INVALID_INPUT when there is no terminal to ask on, Declined, Interrupted
 */
export async function confirm(question: string, signal: AbortSignal): Promise<void> {
  const { stdin: input, stderr: output } = process;
  if (!input.isTTY || !output.isTTY) {
    throw invalidInput(
      "This command destroys something, and there is no terminal to ask on.",
      undefined,
      "Pass --yes.",
    );
  }
  const asking = createInterface({ input, output });
  try {
    const ended = new Promise<never>((_, reject) => {
      asking.once("SIGINT", () => reject(new Interrupted(130).beforeStart()));
      asking.once("close", () => reject(new Declined()));
      signal.addEventListener("abort", () => reject((signal.reason as Interrupted).beforeStart()), { once: true });
    });
    const answer = await Promise.race([
      asking.question(`${paint(output, "yellow", printable(question))} [y/N] `),
      ended,
    ]);
    if (!/^y(es)?$/i.test(answer.trim())) throw new Declined();
  } finally {
    asking.close();
  }
}

const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const delayMs = 300;
const frameMs = 100;

/**
 * Shows on the standard error what is under way at the moment, once it has taken a moment, and removes the line at the end.
 *
 * @param visible false for scripts; nothing is shown either when the standard error is not a terminal
 */
export async function withProgress<T>(activity: () => string, visible: boolean, work: () => Promise<T>): Promise<T> {
  const { stderr } = process;
  if (!visible || !stderr.isTTY) return work();
  let frame = 0;
  let shown = false;
  const show = () => {
    shown = true;
    stderr.write(`\r${paint(stderr, "cyan", frames[frame++ % frames.length] ?? "")} ${activity()} ...\x1b[K`);
  };
  let timer = setTimeout(() => {
    show();
    timer = setInterval(show, frameMs);
  }, delayMs);
  try {
    return await work();
  } finally {
    clearTimeout(timer);
    if (shown) stderr.write("\r\x1b[K");
  }
}
