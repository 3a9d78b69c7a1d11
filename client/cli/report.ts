import { ArtifactRegistryError, toArtifactRegistryError } from "../../core/errors.ts";
import { Declined, Interrupted } from "./exit-codes.ts";
import { jsonLine, paint, printable } from "./terminal.ts";

/** Tells an error on the standard error: for people with its hint, for scripts as the wire's JSON on one line. */
export function report(error: unknown, { json }: { readonly json: boolean }): void {
  if (error instanceof Declined || error instanceof Interrupted) {
    process.stderr.write(`${error.message}\n`);
    return;
  }
  const known = knownOf(error);
  if (json) {
    const { requestId, ...wire } = known.toWire(known.requestId ?? "");
    process.stderr.write(jsonLine(requestId === "" ? wire : { ...wire, requestId }));
    return;
  }
  const { code, message, hint, requestId } = known;
  const lines = [
    `${paint(process.stderr, ["bold", "red"], "error:")} ${printable(message)} ${paint(process.stderr, "dim", `[${code}]`)}`,
    ...(hint === undefined ? [] : [`${paint(process.stderr, "cyan", "hint:")}  ${printable(hint)}`]),
    ...(requestId === undefined ? [] : [paint(process.stderr, "dim", `request ${printable(requestId)}`)]),
  ];
  process.stderr.write(`${lines.join("\n")}\n`);
}

/** What is no error of ours is a bug, and its message may say anything: it is named and not quoted. */
function knownOf(error: unknown): ArtifactRegistryError {
  if (error instanceof ArtifactRegistryError) return error;
  const name = error instanceof Error ? error.name : typeof error;
  return new ArtifactRegistryError("INTERNAL_ERROR", `An unexpected error occurred in alien-registry (${name}).`, {
    hint: "Report it to the project, with the command and its options.",
    cause: toArtifactRegistryError(error),
  });
}
