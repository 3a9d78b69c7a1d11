import type * as promises from "node:fs/promises";

/**
 * Stands before `node:fs/promises` in a test, counts its calls and lets one of them go wrong:
 *
 *     vi.mock("node:fs/promises", async (original) => {
 *       const { faulty } = await import("./faulty-files.ts");
 *       return faulty(await original());
 *     });
 */
export type FaultKind =
  /** The call does nothing and fails. */
  | "fails"
  /** The call does its work and fails all the same, as a file server's answer that got lost. */
  | "works and fails"
  /** A write takes a half, and says so. */
  | "writes a half"
  /** A write takes a half, and there is no room for any other. */
  | "fills the disk"
  /** A write takes a half, and says that it was all. */
  | "lies"
  /** The process is killed before the call, or after it: nothing else happens any more. */
  | "is killed before"
  | "is killed after";

/** A call that was made: `rename(from, to)`, or a handle's `sync(path)`. */
export interface FileCall {
  readonly name: string;
  readonly paths: readonly string[];
}

export interface Run {
  readonly calls: readonly FileCall[];
  /** What the work threw. */
  readonly error: unknown;
  readonly killed: boolean;
}

interface Session {
  readonly calls: FileCall[];
  readonly fault: { readonly at: number; readonly kind: FaultKind } | undefined;
  readonly open: Set<promises.FileHandle>;
  killed: boolean;
  full: boolean;
}

let session: Session | undefined;

/** Runs work; its call number `at`, counted from 0, goes wrong. Without a fault it tells which calls there are. */
export async function withFault(fault: Session["fault"], work: () => Promise<unknown>): Promise<Run> {
  const own: Session = { calls: [], fault, open: new Set(), killed: false, full: false };
  session = own;
  let error: unknown;
  try {
    await work();
  } catch (thrown) {
    error = thrown;
  } finally {
    session = undefined;
    // As the system does when a process ends.
    for (const handle of own.open) await handle.close();
  }
  return { calls: own.calls, error, killed: own.killed };
}

const everyCall: readonly FaultKind[] = ["fails", "is killed before", "is killed after"];
const writes: readonly FaultKind[] = ["writes a half", "fills the disk", "lies"];

/** How a call can go wrong. A failed `open` has opened nothing. */
export function faultsOf({ name }: FileCall): readonly FaultKind[] {
  if (name === "write") return [...everyCall, ...writes];
  // Node's own loop: it does not end at a half, but where the disk is full it does.
  if (name === "writeFile") return [...everyCall, "fills the disk", "lies"];
  return name === "open" ? everyCall : [...everyCall, "works and fails"];
}

class SystemError extends Error {
  readonly code: string;

  constructor(code: string) {
    super(`${code}: as the test wants it`);
    this.code = code;
  }
}

type Call = (...args: never[]) => Promise<unknown>;

/** The module, with every call of it and of its handles under the running session. */
export function faulty(original: typeof promises): typeof promises {
  const wrapped: Record<string, unknown> = { ...original };
  for (const [name, call] of Object.entries(original)) {
    if (typeof call !== "function" || name === "open") continue;
    wrapped[name] = (...args: never[]) => step(name, pathsIn(args), () => (call as Call)(...args));
  }
  wrapped.open = async (path: string, ...rest: never[]) => {
    const own = session;
    const handle = await step("open", [path], async () => {
      const opened = await original.open(path, ...rest);
      own?.open.add(opened);
      return opened;
    });
    return own === undefined ? handle : follow(handle, path, own);
  };
  return { ...wrapped, default: wrapped } as never;
}

function pathsIn(args: readonly unknown[]): string[] {
  return args.filter((arg) => typeof arg === "string");
}

function follow(handle: promises.FileHandle, path: string, { open }: Session): promises.FileHandle {
  return new Proxy(handle, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function" || typeof name !== "string") return member;
      return (...args: never[]) =>
        step(
          name,
          [path],
          () => {
            if (name === "close") open.delete(target);
            return (member as Call).apply(target, args);
          },
          args,
          target,
        );
    },
  });
}

async function step<T>(
  name: string,
  paths: readonly string[],
  real: () => Promise<T>,
  args: readonly unknown[] = [],
  handle?: promises.FileHandle,
): Promise<T> {
  if (session === undefined) return real();
  // That a disk syncs is not tested, and takes long; that it is told to is.
  const work = name === "sync" || name === "datasync" ? async () => undefined as T : real;
  const { calls, fault } = session;
  if (session.killed) throw new SystemError("killed");
  const writing = handle !== undefined && (name === "write" || name === "writeFile");
  if (session.full && writing) throw new SystemError("ENOSPC");
  const kind = calls.push({ name, paths }) - 1 === fault?.at ? fault.kind : undefined;
  switch (kind) {
    case undefined:
      return work();
    case "is killed before":
      session.killed = true;
      throw new SystemError("killed");
    case "is killed after":
      await work().catch(() => undefined);
      session.killed = true;
      throw new SystemError("killed");
    case "fails":
      // A handle that could not be closed is closed: the error tells of what was written before.
      if (name === "close") await work();
      throw new SystemError(name === "write" || name === "writeFile" ? "ENOSPC" : "EIO");
    case "works and fails":
      await work();
      throw new SystemError("EIO");
    default: {
      const bytes = args[0] as Uint8Array;
      const from = name === "write" ? Number(args[1] ?? 0) : 0;
      const half = bytes.subarray(from, from + Math.floor((bytes.byteLength - from) / 2));
      await handle?.write(half);
      session.full = kind === "fills the disk";
      if (session.full && name === "writeFile") throw new SystemError("ENOSPC");
      const bytesWritten = kind === "lies" ? bytes.byteLength - from : half.byteLength;
      return { bytesWritten, buffer: bytes } as T;
    }
  }
}
