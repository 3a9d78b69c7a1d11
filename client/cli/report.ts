import { ArtifactRegistryError, type ErrorCode, toArtifactRegistryError } from "../../core/errors.ts";
import { jsonLine, paint, printable } from "./terminal.ts";
import { inOwnWords } from "./wording.ts";

/** Scripts tell errors apart by these (docs/command-line.md). A released number never changes its meaning. */
const exitCodes = {
  INTERNAL_ERROR: 1,
  INVALID_INPUT: 2,
  BINDING_NOT_CONFIGURED: 3,
  BINDING_CONFIG_INVALID: 3,
  AUTHENTICATION_ERROR: 4,
  ACCESS_DENIED: 4,
  RESOURCE_NOT_FOUND: 5,
  RESOURCE_CONFLICT: 6,
  OPERATION_NOT_SUPPORTED: 7,
  QUOTA_EXCEEDED: 8,
  PAYLOAD_TOO_LARGE: 8,
  TIMEOUT: 9,
  RATE_LIMIT_EXCEEDED: 9,
  SERVICE_UNAVAILABLE: 9,
  CLOUD_PLATFORM_ERROR: 10,
  UNEXPECTED_RESPONSE_FORMAT: 10,
} as const satisfies Record<ErrorCode, number>;

const nothingDone = "Nothing was done.";
const interrupted =
  "Interrupted: the operation may or may not have been applied. Running the same command again is safe.";

/** The person who was asked said no. */
export class Declined extends Error {
  readonly exitCode = 11;

  constructor() {
    super(nothingDone);
  }
}

/** The command has written its answer, and the answer has an exit code of its own. */
export class Answered extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super();
    this.exitCode = exitCode;
  }
}

/** A signal ended the command. The exit code is that of shells: 128 plus the number of the signal. */
export class Interrupted extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, { started = true } = {}) {
    super(started ? interrupted : nothingDone);
    this.exitCode = exitCode;
  }

  /** The same for a signal that came before anything was under way. */
  beforeStart(): Interrupted {
    return new Interrupted(this.exitCode, { started: false });
  }
}

/** The exit code for what a command threw. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof ArtifactRegistryError) return exitCodes[error.code];
  const tells = error instanceof Declined || error instanceof Interrupted || error instanceof Answered;
  return tells ? error.exitCode : 1;
}

/** Writes an error to the standard error: for people with its hint, for scripts as the JSON of the API on one line. */
export function reportError(error: unknown, { json }: { readonly json: boolean }): void {
  if (error instanceof Answered) return;
  if (error instanceof Declined || error instanceof Interrupted) {
    process.stderr.write(`${error.message}\n`);
    return;
  }
  const known = toKnown(error);
  if (json) {
    const { requestId, ...wire } = known.toWire(known.requestId ?? "");
    process.stderr.write(jsonLine(requestId === "" ? wire : { ...wire, requestId }));
    return;
  }
  const { code, message, hint, requestId } = inOwnWords(known);
  const lines = [
    `${paint(process.stderr, ["bold", "red"], "error:")} ${printable(message)} ${paint(process.stderr, "dim", `[${code}]`)}`,
    ...(hint === undefined ? [] : [`${paint(process.stderr, "cyan", "hint:")}  ${printable(hint)}`]),
    ...(requestId === undefined ? [] : [paint(process.stderr, "dim", `request ${printable(requestId)}`)]),
  ];
  process.stderr.write(`${lines.join("\n")}\n`);
}

/** An error that is not ours is a bug. Its message may hold anything, so only its name is printed. */
function toKnown(error: unknown): ArtifactRegistryError {
  if (error instanceof ArtifactRegistryError) return error;
  const name = error instanceof Error ? error.name : typeof error;
  return new ArtifactRegistryError("INTERNAL_ERROR", `An unexpected error occurred in alien-registry (${name}).`, {
    hint: "Report it to the project with the command and its options.",
    cause: toArtifactRegistryError(error),
  });
}
