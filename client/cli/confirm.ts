import { createInterface } from "node:readline/promises";
import { invalidInput } from "../../core/errors.ts";
import { Declined, Interrupted } from "./exit-codes.ts";
import { paint, printable } from "./terminal.ts";

/**
 * Asks before something is destroyed. Only `y` and `yes` are a yes.
 *
 * @throws INVALID_INPUT where there is nobody to ask, Declined, Interrupted
 */
export async function confirm(question: string, signal: AbortSignal): Promise<void> {
  const { stdin: input, stderr: output } = process;
  if (!input.isTTY || !output.isTTY) {
    throw invalidInput("This destroys something, and there is no terminal to ask on.", undefined, "Pass --yes.");
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
