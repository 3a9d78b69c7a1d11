import { createRequire } from "node:module";
import { Command, CommanderError } from "commander";
import { invalidInput } from "../../core/errors.ts";
import { operations } from "../../core/operations.ts";
import { environment } from "../binding.ts";
import { defaultTimeoutMs } from "../http.ts";
import type { CommandEntry } from "./commands.ts";
import { commands } from "./commands.ts";
import { addComplete } from "./completion.ts";
import { addConnectionOptions, type ConnectionOptions, checked, chooseRegistry, openConnection } from "./connecting.ts";
import { addInput } from "./fields.ts";
import { confirm, withProgress } from "./interaction.ts";
import { exitCodeOf, Interrupted, report } from "./report.ts";
import { addServe } from "./serve.ts";
import { jsonLine, paint, printable, printableAnswer } from "./terminal.ts";

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

interface Options extends ConnectionOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly yes?: boolean;
}

/** The whole tree of commands. It writes help and version; errors are thrown, as commander's or our own. */
export function createProgram(signal: AbortSignal): Command {
  const { version } = createRequire(import.meta.url)("artifact-registry-functions/package.json") as { version: string };
  const program = new Command("alien-registry")
    .description("Container repositories, short-lived credentials and cross-account pulls, on every platform.")
    .version(version)
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .configureHelp({ styleTitle: (text) => paint(process.stdout, "bold", text) });
  for (const [name, entry] of Object.entries<CommandEntry>(commands)) addCommand(program, name, entry, signal);
  addServe(program);
  addComplete(program);
  return program;
}

function addCommand(program: Command, name: string, entry: CommandEntry, signal: AbortSignal): void {
  const operation = operations[entry.operation];
  const command = program
    .command(name)
    .summary(entry.summary ?? operation.summary)
    .description(entry.summary === undefined ? operation.description : `${entry.summary}.`);
  const readInput = addInput(command, operation, entry.defaults ?? {});
  addConnectionOptions(command);
  if (entry.question) command.option("-y, --yes", "destroy without asking");
  command.addOption(command.createOption("--json", "print the answer, or the error, as JSON").conflicts("quiet"));
  command.option("-q, --quiet", "print nothing but the essential, and no progress");
  command.action(async () => {
    const options = command.opts<Options>();
    const registry = chooseRegistry(options.registry, environment());
    // As a caller over HTTP, but before anything is asked or sent.
    const input = readInput(command.processedArgs, command.opts()) as never;
    operation.parse({ registry, ...(input as object) });
    if (entry.question && !options.yes) await confirm(entry.question({ registry, input }), signal);
    const { json = false, quiet = false } = options;
    const limits = { signal, timeoutMs: entry.timeoutMs ?? defaultTimeoutMs };
    const output = await unless(signal, () =>
      withProgress(entry.progress, !json && !quiet, async () => {
        const connection = checked(await openConnection(registry, options, limits));
        return entry.perform?.(connection, input, signal) ?? connection.call(entry.operation, input);
      }),
    );
    const warning = quiet ? undefined : entry.warning?.(output);
    if (warning !== undefined) {
      process.stderr.write(`${paint(process.stderr, "yellow", "warning:")} ${printable(warning)}\n`);
    }
    process.stdout.write(shown(entry, output, { json, quiet }, { registry, input }));
  });
}

function shown(
  entry: CommandEntry,
  output: Parameters<CommandEntry["show"]>[0],
  { json, quiet }: { json: boolean; quiet: boolean },
  asked: { registry: string; input: never },
): string {
  if (json) return jsonLine(output);
  if (!quiet) return entry.show(printableAnswer(output), asked);
  const essence = entry.essence?.(output);
  if (essence === undefined) return "";
  // A script gets it as it is.
  return `${process.stdout.isTTY ? printable(essence) : essence}\n`;
}

/** What is under way may heed no signal, as an SDK that looks for credentials: the person who presses Ctrl-C is heard. */
function unless<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    work().then(resolve, reject);
  });
}
