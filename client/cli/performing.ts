import type { Command } from "commander";
import type { Environment } from "../binding.ts";
import type { Connection } from "../connection.ts";
import { defaultTimeoutMs } from "../http.ts";
import { addConnectionOptions, type ConnectionOptions, chooseTarget, openConnection } from "./connecting.ts";
import { confirm, withProgress } from "./interaction.ts";
import type { PerformContext } from "./listing.ts";
import { withRunningServer } from "./running-server.ts";
import { jsonLine, paint, printable, printableAnswer } from "./terminal.ts";

/** What every command gets from the program. */
export interface Context {
  readonly env: Environment;
  readonly signal: AbortSignal;
}

interface Options extends ConnectionOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly yes?: boolean;
}

/** What one call of a command does, and how its answer is shown. */
export interface Performance<Output> {
  /** What the progress line says, such as "Creating the repository". */
  readonly progress: string;
  /** Milliseconds that a call of the function may take. Default: the client's own. */
  readonly timeoutMs?: number | undefined;
  /** Asked before the command destroys something. */
  readonly question?: string | undefined;
  perform(connection: Connection, work: PerformContext): Promise<Output>;
  /** Formats the answer for people. */
  show(output: Output): string;
  /** The one part of the answer that a script needs, for --quiet. */
  essence?(output: Output): string | undefined;
  /** What people should know about the answer. It goes to the standard error. */
  warning?(output: Output): string | undefined;
}

/**
 * Makes a command that works on a registry: adds the options by which it finds the registry and prints its answer.
 *
 * @param prepare checks what was given, before anything is asked or sent, and says what to do
 */
export function addPerformance<Output>(
  command: Command,
  { env, signal }: Context,
  { destroys }: { readonly destroys: boolean },
  prepare: (registry: string) => Performance<Output>,
): void {
  addConnectionOptions(command);
  if (destroys) command.option("-y, --yes", "do not ask before destroying something");
  command.addOption(command.createOption("--json", "print the answer, or the error, as JSON").conflicts("quiet"));
  command.option("-q, --quiet", "print only the essential part of the answer, and no progress");
  command.action(async () => {
    const options = command.opts<Options>();
    const { json = false, quiet = false } = options;
    // Whoever names a function by its URL or a profile means none that happens to run here, and has a token of his own.
    const isElsewhere = options.url !== undefined || options.profile !== undefined || options.direct;
    const found = isElsewhere ? env : withRunningServer(env);
    const target = await chooseTarget(options, found);
    const { progress, timeoutMs = defaultTimeoutMs, question, perform, ...answer } = prepare(target.registry);
    if (question !== undefined && !options.yes) await confirm(question, signal);
    let [activity, unfinished]: (string | undefined)[] = [progress];
    const work: PerformContext = {
      env: found,
      signal,
      tell(now) {
        activity = now.activity;
        unfinished = now.goOn;
      },
    };
    const output = await rejectOnAbort(signal, () =>
      withProgress(
        () => activity ?? progress,
        !json && !quiet,
        async () => perform(await openConnection(target, options, { env: found, signal, timeoutMs }), work),
      ),
    ).catch((error: unknown) => {
      if (unfinished !== undefined) process.stderr.write(`${activity}. To go on: ${unfinished}\n`);
      throw error;
    });
    const warning = quiet ? undefined : answer.warning?.(output);
    if (warning !== undefined) {
      process.stderr.write(`${paint(process.stderr, "yellow", "warning:")} ${printable(warning)}\n`);
    }
    process.stdout.write(formatAnswer(output, answer, { json, quiet }));
  });
}

function formatAnswer<Output>(
  output: Output,
  { show, essence }: Pick<Performance<Output>, "show" | "essence">,
  { json, quiet }: { readonly json: boolean; readonly quiet: boolean },
): string {
  if (json) return jsonLine(output as object);
  if (!quiet) return show(printableAnswer(output));
  const text = essence?.(output);
  if (text === undefined) return "";
  // A script gets the text unchanged.
  return `${process.stdout.isTTY ? printable(text) : text}\n`;
}

/** Ends the command at Ctrl-C even if the work ignores the signal, as an SDK does while it looks for credentials. */
function rejectOnAbort<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    work().then(resolve, reject);
  });
}
