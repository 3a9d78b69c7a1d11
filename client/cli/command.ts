import type { Connection } from "../connection.ts";
import type { OperationName, Operations } from "../types.ts";

/** What a command was asked, for questions and answers that name it. */
export interface Asked<Name extends OperationName> {
  readonly registry: string;
  readonly input: Operations[Name]["input"];
}

/** A row of the table of commands. Its arguments and options are those of its operation's schema. */
export interface CommandEntry<Name extends OperationName = OperationName, Output = Operations[Name]["output"]> {
  readonly operation: Name;
  /** Where it is not the operation's own. */
  readonly summary?: string;
  /** What is under way, as "Creating the repository". */
  readonly progress: string;
  /** Milliseconds that the call may take, where it is not the client's usual time. */
  readonly timeoutMs?: number;
  /** Values of options that the operation requires and people need not say. */
  readonly defaults?: Readonly<Record<string, string>>;
  /** What is asked before it destroys something. */
  question?(asked: Asked<Name>): string;
  /** What it does, where that is more than the operation. */
  perform?(connection: Connection, input: Operations[Name]["input"], signal: AbortSignal): Promise<Output>;
  /** The answer for people. */
  show(output: Output, asked: Asked<Name>): string;
  /** The one thing of the answer that a script wants, for --quiet. */
  essence?(output: Output): string;
  /** What people should know about the answer, on the standard error. */
  warning?(output: Output): string | undefined;
}
