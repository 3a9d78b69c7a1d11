import { createRequire } from "node:module";
import { Command, CommanderError } from "commander";
import { invalidInput } from "../../core/errors.ts";
import { operations } from "../../core/operations.ts";
import type { Environment } from "../binding.ts";
import { defaultTimeoutMs } from "../http.ts";
import { type CommandEntry, commands } from "./commands.ts";
import { addComplete, addNames } from "./completion.ts";
import { addConnectionOptions, type ConnectionOptions, chooseTarget, openConnection } from "./connecting.ts";
import { addExamples } from "./examples.ts";
import { addInput } from "./fields.ts";
import { confirm, withProgress } from "./interaction.ts";
import { exitCodeOf, Interrupted, reportError } from "./report.ts";
import { addRules } from "./rules.ts";
import { addRotateKey, addServe } from "./serve.ts";
import { jsonLine, paint, printable, printableAnswer } from "./terminal.ts";
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

interface Options extends ConnectionOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly yes?: boolean;
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

interface Context {
  readonly env: Environment;
  readonly signal: AbortSignal;
}

function addCommand(program: Command, name: string, entry: CommandEntry, context: Context): void {
  const { env, signal } = context;
  const operation = operations[entry.operation];
  const command = program
    .command(name)
    .summary(entry.summary ?? operation.summary)
    .description(entry.summary === undefined ? operation.description : `${entry.summary}.`);
  const readInput = addInput(command, operation, entry.defaults ?? {});
  addConnectionOptions(command);
  if (entry.question) command.option("-y, --yes", "do not ask before destroying something");
  command.addOption(command.createOption("--json", "print the answer, or the error, as JSON").conflicts("quiet"));
  command.option("-q, --quiet", "print only the essential part of the answer, and no progress");
  command.action(async () => {
    const options = command.opts<Options>();
    const target = await chooseTarget(options, env);
    const { registry } = target;
    // The function makes the same check. Here it comes before anything is asked or sent.
    const input = readInput(command.processedArgs, command.opts()) as never;
    operation.parse({ registry, ...(input as object) });
    if (entry.question && !options.yes) await confirm(entry.question({ registry, input }), signal);
    const { json = false, quiet = false } = options;
    const limits = { ...context, timeoutMs: entry.timeoutMs ?? defaultTimeoutMs };
    let [activity, unfinished]: (string | undefined)[] = [entry.progress];
    const work = {
      ...context,
      tell(now: { readonly activity: string; readonly goOn?: string }) {
        activity = now.activity;
        unfinished = now.goOn;
      },
    };
    const output = await rejectOnAbort(signal, () =>
      withProgress(
        () => activity ?? entry.progress,
        !json && !quiet,
        async () => {
          const connection = await openConnection(target, options, limits);
          return entry.perform?.(connection, input, work) ?? connection.call(entry.operation, input);
        },
      ),
    ).catch((error: unknown) => {
      if (unfinished !== undefined) process.stderr.write(`${activity}. To go on: ${unfinished}\n`);
      throw error;
    });
    const warning = quiet ? undefined : entry.warning?.(output);
    if (warning !== undefined) {
      process.stderr.write(`${paint(process.stderr, "yellow", "warning:")} ${printable(warning)}\n`);
    }
    process.stdout.write(formatAnswer(entry, output, { json, quiet }, { registry, input }));
  });
}

function formatAnswer(
  entry: CommandEntry,
  output: Parameters<CommandEntry["show"]>[0],
  { json, quiet }: { json: boolean; quiet: boolean },
  invocation: { registry: string; input: never },
): string {
  if (json) return jsonLine(output);
  if (!quiet) return entry.show(printableAnswer(output), invocation);
  const essence = entry.essence?.(output);
  if (essence === undefined) return "";
  // A script gets the text unchanged.
  return `${process.stdout.isTTY ? printable(essence) : essence}\n`;
}

/** Ends the command at Ctrl-C even if the work ignores the signal, as an SDK does while it looks for credentials. */
function rejectOnAbort<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    work().then(resolve, reject);
  });
}
