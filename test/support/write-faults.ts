import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { faultsOf, type Run, withFault } from "./faulty-files.ts";

/** What writes a file that must be old or new, whatever goes wrong. */
export interface Writer {
  /** The registry holds the file open over the rename, to see that the name leads to it. */
  readonly heldOpen?: true;
  readonly name: string;
  /** Below the test's folder; what is judged. */
  readonly file: string;
  /** What is there before. */
  readonly before?: string;
  /** A link to `file` by which the writer comes. */
  readonly link?: string;
  /** Permission bits afterwards; before, others may read the file too. */
  readonly mode: number;
  write(file: string, folder: string): Promise<unknown>;
  /** Whether that is all that the writer had to write. */
  isNew(content: Buffer): boolean;
}

/** A folder as it is before the writer comes. */
function prepare({ file, before, link }: Writer): {
  readonly folder: string;
  readonly path: string;
  readonly asked: string;
} {
  const folder = mkdtempSync(join(tmpdir(), "write-faults-"));
  const path = join(folder, file);
  if (link !== undefined || before !== undefined) mkdirSync(dirname(path), { recursive: true });
  if (before !== undefined) {
    writeFileSync(path, before);
    chmodSync(path, 0o644);
  }
  if (link !== undefined) symlinkSync(file, join(folder, link));
  return { folder, path, asked: link === undefined ? path : join(folder, link) };
}

/** `old`, `new`, `absent`, or what it must never be. */
function stateOf({ before, isNew }: Writer, path: string): string {
  const content = lstatSync(path, { throwIfNoEntry: false }) && readFileSync(path);
  if (content === undefined) return before === undefined ? "old" : "lost";
  if (content.toString() === before) return "old";
  try {
    return isNew(content) ? "new" : `${content.byteLength} bytes of neither`;
  } catch {
    return `${content.byteLength} bytes of garbage`;
  }
}

const filesIn = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1))
    .sort();

/** The tests of one writer, for a file that has put `faulty` before `node:fs/promises`. */
export function testWriter(writer: Writer): void {
  /** What is there in the end: what the writer makes beside the file that is judged, too. */
  async function clean(): Promise<Run & { readonly files: readonly string[] }> {
    const { folder, path, asked } = prepare(writer);
    try {
      const run = await withFault(undefined, () => writer.write(asked, folder));
      expect([run.error, stateOf(writer, path)]).toEqual([undefined, "new"]);
      expect(statSync(path).mode & 0o777).toBe(writer.mode);
      if (writer.link !== undefined) expect(lstatSync(asked).isSymbolicLink()).toBe(true);
      return { ...run, files: filesIn(folder) };
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  it("is old or new, whatever goes wrong at whichever call", async () => {
    const { calls, files } = await clean();
    expect(calls.length).toBeGreaterThan(5);
    for (const [at, call] of calls.entries()) {
      for (const kind of faultsOf(call)) {
        const what = `${kind} at ${at}, ${call.name} of ${calls.length} calls`;
        const { folder, path, asked } = prepare(writer);
        const there = filesIn(folder);
        const run = await withFault({ at, kind }, () => writer.write(asked, folder));
        const state = stateOf(writer, path);
        expect(["old", "new"], what).toContain(state);
        expect(run.killed, what).toBe(kind.startsWith("is killed"));
        if (run.error === undefined) expect(state, what).toBe("new");
        // Where cleaning up is what failed, something is left.
        const cleaning =
          /^(rm|unlink)$/.test(call.name) || (call.name === "stat" && /\.lock$/.test(call.paths[0] ?? ""));
        if (!run.killed && !cleaning) {
          const left = filesIn(folder).filter((file) => !there.includes(file) && !files.includes(file));
          expect(left, what).toEqual([]);
        }
        if (writer.link !== undefined) expect(lstatSync(asked).isSymbolicLink(), what).toBe(true);
        // The next one finds its way, whatever the last one left.
        const again = await withFault(undefined, () => writer.write(asked, folder));
        expect([again.error, stateOf(writer, path)], what).toEqual([undefined, "new"]);
        rmSync(folder, { recursive: true });
      }
    }
  }, 300_000);

  it("is on the disk before it has its name, and its name is before it is told", async () => {
    const { calls } = await clean();
    const moved = calls.flatMap(({ name, paths }, i) => (name === "rename" || name === "link" ? [{ i, paths }] : []));
    expect(moved.length).toBeGreaterThan(0);
    for (const { i, paths } of moved) {
      const [from = "", to = ""] = paths;
      const of = (path: string) => (call: { name: string; paths: readonly string[] }) => call.paths.includes(path);
      const before = calls
        .slice(0, i)
        .filter(of(from))
        .map(({ name }) => name);
      const synced = before.lastIndexOf("sync");
      expect(synced, before.join()).toBeGreaterThan(-1);
      expect(before.slice(synced).filter((name) => /^write/.test(name))).toEqual([]);
      expect(before.at(-1)).toBe(writer.heldOpen ? "stat" : "close");
      const after = calls
        .slice(i + 1)
        .filter(of(dirname(to)))
        .map(({ name }) => name);
      expect(after).toEqual(expect.arrayContaining(["open", "sync"]));
    }
  });
}
