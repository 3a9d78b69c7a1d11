import { writeLine } from "./audit.ts";
import { type ArtifactRegistryError, toArtifactRegistryError } from "./errors.ts";

/** What went wrong inside. The caller is told the request id, and the operator finds the cause under it. */
export interface ErrorLine {
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly requestId: string;
  readonly level: "error";
  readonly outcome: ArtifactRegistryError["code"];
  /** The error and its causes, the outermost first. */
  readonly errors: readonly ErrorEntry[];
}

export interface ErrorEntry {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
}

export type ErrorLog = (line: ErrorLine) => void;

/** Writes JSON lines to the standard output, as the audit log does. */
export const errorLogToStdout: ErrorLog = writeLine;

/** The codes of errors that a caller can do nothing about. */
const insideCodes: ReadonlySet<string> = new Set<ArtifactRegistryError["code"]>([
  "BINDING_CONFIG_INVALID",
  "CLOUD_PLATFORM_ERROR",
  "INTERNAL_ERROR",
  "SERVICE_UNAVAILABLE",
  "TIMEOUT",
  "UNEXPECTED_RESPONSE_FORMAT",
]);

/**
 * What the error log says of an error.
 *
 * @returns undefined for an error that tells the caller all there is to know
 */
export function errorLine(thrown: unknown, time: string, requestId: string): ErrorLine | undefined {
  const error = toArtifactRegistryError(thrown);
  if (!insideCodes.has(error.code)) return undefined;
  const errors: ErrorEntry[] = [];
  // Causes may go round in circles.
  for (let each: unknown = error; each !== undefined && errors.length < 5; each = (each as Error).cause) {
    if (!(each instanceof Error)) {
      errors.push({ name: typeof each, message: "Something was thrown that is no error." });
      break;
    }
    const { name, message, stack } = each;
    const frames = stack
      ?.split("\n")
      .filter((line) => /^\s+at /.test(line))
      .join("\n");
    errors.push({ name, message: withoutSecrets(message), ...(frames && { stack: frames }) });
  }
  return { time, requestId, level: "error", outcome: error.code, errors };
}

/** Takes out what may be a secret in the message of a library: tokens, signatures, and what follows `Bearer` or `password`. */
function withoutSecrets(message: string): string {
  return message
    .slice(0, 2_000)
    .replace(/\b(?:bearer|basic)\s+[^\s"',]+/gi, "[redacted]")
    .replace(/\b(password|secret|token|signature|credential)(["']?\s*[:=]\s*["']?)[^\s"',&]+/gi, "$1$2[redacted]")
    .replace(/[A-Za-z0-9_-]{40,}(?:\.[A-Za-z0-9_-]+)*|[A-Za-z0-9+/]{40,}=*/g, "[redacted]");
}
