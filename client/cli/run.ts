import { CommanderError } from "commander";
import { invalidInput } from "../../core/errors.ts";
import { exitCodeOf, Interrupted } from "./exit-codes.ts";
import { createProgram } from "./program.ts";
import { report } from "./report.ts";

/**
 * The command line from its arguments to its exit code. Ctrl-C ends what is under way; a second one ends the process.
 *
 * @param args without the program's name
 */
export async function run(args: readonly string[]): Promise<number> {
  const interrupt = new AbortController();
  const onInt = () => interrupt.abort(new Interrupted(130));
  const onTerm = () => interrupt.abort(new Interrupted(143));
  process.once("SIGINT", onInt).once("SIGTERM", onTerm);
  try {
    await createProgram(interrupt.signal).parseAsync(args, { from: "user" });
    // Set by `serve`, which goes on after this.
    return Number(process.exitCode ?? 0);
  } catch (thrown) {
    if (thrown instanceof CommanderError && shownAlready(thrown)) return thrown.exitCode === 0 ? 0 : 2;
    const error = thrown instanceof CommanderError ? misuse(thrown) : thrown;
    report(error, { json: args.includes("--json") });
    return exitCodeOf(error);
  } finally {
    process.off("SIGINT", onInt).off("SIGTERM", onTerm);
    // Whatever heeds no signal must not keep an interrupted process alive.
    if (interrupt.signal.aborted) setTimeout(() => process.exit(), 1_000).unref();
  }
}

/** Help and version, asked for or for want of a command, are all that there is to say. */
function shownAlready({ exitCode, code }: CommanderError): boolean {
  return exitCode === 0 || code === "commander.help";
}

function misuse({ message }: CommanderError): Error {
  const sentence = message.replace(/^error: /, "").replace(/[^.)?]$/, "$&.");
  return invalidInput(sentence.charAt(0).toUpperCase() + sentence.slice(1), undefined, "See --help.");
}
