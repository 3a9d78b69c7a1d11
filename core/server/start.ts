import { ArtifactRegistryError } from "../errors.ts";

/**
 * Ends a server on SIGTERM or SIGINT: the first one lets it finish, a second one ends it at once.
 *
 * @param stop answers the exit code when what was in flight has been finished
 */
export function stopOnSignals(stop: (signal: string) => Promise<number>): void {
  let stopping = false;
  const onSignal = (signal: string) => {
    if (stopping) process.exit(1);
    stopping = true;
    stop(signal).then(
      (code) => process.exit(code),
      () => process.exit(1),
    );
  };
  for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, onSignal);
}

/**
 * Why a server did not start: one line that says what is wrong and what to do.
 *
 * @param portHint how another port is chosen
 */
export function explainStart(error: unknown, portHint: string): string {
  if (error instanceof ArtifactRegistryError) return [error.message, error.hint].filter(Boolean).join(" ");
  const { code, syscall, port, address, message } = error as NodeJS.ErrnoException & {
    port?: number;
    address?: string;
  };
  if (code === "EADDRINUSE" && port !== undefined) return `Port ${port} on ${address} is in use. ${portHint}`;
  if (code === "EACCES" && syscall === "listen") return `Port ${port} may not be opened by this user.`;
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND") return `HOST is not an address of this machine: ${message}.`;
  return message;
}
