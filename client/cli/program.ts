import { createRequire } from "node:module";
import { Command, CommanderError } from "commander";
import { invalidInput } from "../../core/errors.ts";
import { operations } from "../../core/operations.ts";
import type { Environment } from "../binding.ts";
import { type CommandEntry, commands } from "./commands.ts";
import { addComplete, addNames } from "./completion.ts";
import { addExamples } from "./examples.ts";
import { addInput } from "./fields.ts";
import { addPerformance, type Context } from "./performing.ts";
import { exitCodeOf, Interrupted, reportError } from "./report.ts";
import { addRules } from "./rules.ts";
import { addRotateKey, addServe } from "./serve.ts";
import { paint } from "./terminal.ts";
import { addPull, addPush } from "./transfer.ts";
import { addCollect, addVerify } from "./upkeep.ts";

/**
 * Runs the command line. Ctrl-C ends what is under way; a second Ctrl-C ends the process.
 *
 * @param args without the program's name
 * @returns the exit code
 */
export async function run(args: readonly string[], env: Environment = process.env): Promise<number> {
  const interrupt = new AbortController();
  const onInt = () => interrupt.abort(new Interrupted(130));
  const onTerm = () => interrupt.abort(new Interrupted(143));
  process.once("SIGINT", onInt).once("SIGTERM", onTerm);
  try {
    await createProgram(interrupt.signal, env).parseAsync(args, { from: "user" });
    // `serve` may have set the exit code. Its server goes on after this.
    return Number(process.exitCode ?? 0);
  } catch (thrown) {
    if (thrown instanceof CommanderError && isShownAlready(thrown)) return thrown.exitCode === 0 ? 0 : 2;
    const error = thrown instanceof CommanderError ? usageError(thrown, args) : thrown;
    reportError(error, { json: args.includes("--json") });
    return exitCodeOf(error);
  } finally {
    process.off("SIGINT", onInt).off("SIGTERM", onTerm);
    // Work that ignores the signal must not keep an interrupted process alive.
    if (interrupt.signal.aborted) setTimeout(() => process.exit(), 1_000).unref();
  }
}

/** Whether commander has already written all that there is to say: the help or the version. */
function isShownAlready({ exitCode, code }: CommanderError): boolean {
  return exitCode === 0 || code === "commander.help";
}

/** Takes commander's message apart: the sentence, and on a second line what was probably meant. */
function usageError({ message }: CommanderError, [command = ""]: readonly string[]): Error {
  const [text = "", meant] = message.replace(/^error: /, "").split("\n");
  const sentence = `${text.charAt(0).toUpperCase()}${text.slice(1)}`.replace(/[^.)?]$/, "$&.");
  const help =
    /^[a-z]/.test(command) && !text.startsWith("unknown command") ? `alien-registry ${command}` : "alien-registry";
  const guess = meant === undefined ? "" : `${meant.replace(/^\(|\)$/g, "")} `;
  return invalidInput(sentence, undefined, `${guess}See \`${help} --help\`.`);
}

/**
 * Makes all commands. The program writes help and version by itself. Every other error is thrown: those of commander, and
 * our own.
 */
function createProgram(signal: AbortSignal, env: Environment): Command {
  const { version } = createRequire(import.meta.url)("artifact-registry-functions/package.json") as { version: string };
  const program = new Command("alien-registry")
    .description("Container repositories, short-lived credentials and cross-account pulls, on every platform.")
    .version(version)
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .configureHelp({ styleTitle: (text) => paint(process.stdout, "bold", text) });
  for (const [name, entry] of Object.entries<CommandEntry>(commands)) addCommand(program, name, entry, { env, signal });
  addPush(program, { env, signal });
  addPull(program, { env, signal });
  addRules(program, env);
  addServe(program, env);
  addRotateKey(program, env);
  addVerify(program, env);
  addCollect(program, env);
  addComplete(program);
  addNames(program, { env, signal });
  addExamples(program);
  return program;
}

function addCommand(program: Command, name: string, entry: CommandEntry, context: Context): void {
  const operation = operations[entry.operation];
  const command = program
    .command(name)
    .summary(entry.summary ?? operation.summary)
    .description(entry.summary === undefined ? operation.description : `${entry.summary}.`);
  const readInput = addInput(command, operation, entry.defaults ?? {});
  addPerformance(command, context, { destroys: entry.question !== undefined }, (registry) => {
    const input = readInput(command.processedArgs, command.opts()) as never;
    // The function makes the same check. Here it comes before anything is asked or sent.
    operation.parse({ registry, ...(input as object) });
    const invocation = { registry, input };
    const { progress, timeoutMs } = entry;
    return {
      progress,
      timeoutMs,
      question: entry.question?.(invocation),
      perform: (connection, work) =>
        entry.perform?.(connection, input, work) ?? connection.call(entry.operation, input),
      show: (output) => entry.show(output, invocation),
      essence: (output) => entry.essence?.(output),
      warning: (output) => entry.warning?.(output),
    };
  });
}
