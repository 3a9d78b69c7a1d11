import { fstatSync, writeFileSync } from "node:fs";

/**
 * Makes sure that an answer on the standard output is either complete, or ends in an error (`error` of the stream). Node writes
 * to a file with one system call, and ignores how much that call has written (lib/internal/fs/sync_write_stream.js). So on a
 * full disk `> answer.json` holds only the beginning, and nothing fails. To pipes and terminals Node writes everything.
 *
 * It is for programs that print one answer. Call it before anything is printed.
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
