import { fstatSync, writeFileSync } from "node:fs";

/**
 * Makes an answer on the standard output whole or an error (`error` of the stream). Node writes to a file with one
 * system call and takes it for done, whatever the call returned (lib/internal/fs/sync_write_stream.js): on a full disk
 * `> answer.json` holds the beginning, and nothing fails. Pipes and terminals are written whole by Node itself.
 *
 * For programs that print one answer; call it before anything is printed.
 */
export function writeStdoutWhole(): void {
  const { stdout } = process;
  if (!fstatSync(stdout.fd).isFile()) return;
  stdout._write = (chunk: Uint8Array, _encoding, done) => {
    try {
      writeFileSync(stdout.fd, chunk);
    } catch (error) {
      return done(error as Error);
    }
    done();
  };
}
