/** The bodies of requests and answers, on their way between the network and the disk. */
import type { Hash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { BodyMemory } from "../http/bounds.ts";

const smallestBytes = 16 * 1024;

/**
 * The memory that all connections share for their buffers. A single transfer gets large buffers, which make it fast. The
 * more transfers there are, the smaller the buffers of each, so that two hundred need no more memory than thirty.
 */
export class Budget {
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  /**
   * Reserves memory for one buffer.
   *
   * @param wanted the most bytes that the buffer can use
   * @returns a power of two, in bytes: at most `wanted` and a sixteenth of what is left, but never less than 16 KiB
   */
  take(wanted: number): number {
    const share = Math.max(this.#left / 16, smallestBytes);
    const size = Math.max(smallestBytes, 2 ** Math.floor(Math.log2(Math.min(wanted, share))));
    this.#left -= size;
    return size;
  }

  /** Gives back what `take` returned. */
  give(size: number): void {
    this.#left += size;
  }
}

const batchBytes = 1024 * 1024;
const flushStrideBytes = 32 * 1024 * 1024;

/** The client went away, or its connection broke, before the whole body had arrived. */
export class ClientGone extends Error {
  constructor() {
    super("The client went away before the request was complete.");
    this.name = "ClientGone";
  }
}

/** The memory for bodies was full, and this body had been arriving for longer than any other. */
export class NoMemoryLeft extends Error {
  constructor() {
    super("The registry is receiving too much at once, and this took longest. Try again.");
    this.name = "NoMemoryLeft";
  }
}

/**
 * Where a body goes. The file must be open for appending. If somebody shortens it meanwhile, it then ends up too short. A
 * write at a position would leave zeros in a file of the right length instead.
 */
export interface Sink {
  readonly handle: FileHandle;
  readonly hash: Hash;
  readonly budget: Budget;
  /** Each batch is added to `offset`, in bytes, when the file and the hash have it. */
  readonly progress: { offset: number };
}

/**
 * Writes a request's body to a file in batches and hashes it on the way. While one batch is being written, the next one
 * gathers. When that is full too, the client has to wait. When this resolves or throws, nothing is being written any more.
 *
 * @throws ClientGone after everything that arrived was written; the system's error if the disk refuses
 */
export function receive(req: IncomingMessage, { handle, hash, budget, progress }: Sink): Promise<void> {
  const full = budget.take(batchBytes);
  const early = earlyFlush(handle);
  return new Promise<void>((resolve, reject) => {
    let batch: Buffer[] = [];
    let gathered = 0;
    let writing = false;
    let ending: "no" | "complete" | "broken" = req.destroyed && !req.readableEnded ? "broken" : "no";

    const stop = (error?: unknown) => {
      req.off("data", onData).off("end", onEnd).off("close", onClose);
      // A client that still sends must be able to read the answer, so the rest of the body is read and thrown away.
      req.resume();
      if (error === undefined) resolve();
      else reject(error);
    };
    const flush = () => {
      const [buffers, bytes] = [batch, gathered];
      [batch, gathered, writing] = [[], 0, true];
      const wrote = writeAll(handle, buffers);
      for (const buffer of buffers) hash.update(buffer);
      wrote.then(() => {
        writing = false;
        progress.offset += bytes;
        early.wrote(bytes);
        next();
      }, stop);
    };
    const next = () => {
      if (gathered >= full || (gathered > 0 && ending !== "no")) flush();
      else if (ending !== "no") return stop(ending === "broken" ? new ClientGone() : undefined);
      if (ending === "no" && req.isPaused()) req.resume();
    };
    const onData = (chunk: Buffer) => {
      batch.push(chunk);
      gathered += chunk.length;
      if (gathered < full) return;
      if (writing) req.pause();
      else flush();
    };
    const onEnd = () => {
      ending = "complete";
      if (!writing) next();
    };
    const onClose = () => {
      if (ending !== "no") return;
      ending = "broken";
      if (!writing) next();
    };
    req.on("data", onData).on("end", onEnd).on("close", onClose);
    if (ending === "broken") next();
  }).finally(() => {
    budget.give(full);
    return early.settled();
  });
}

/**
 * Makes the function that sends a growing file to the disk, every 32 MiB, while more of it still arrives. Without it the
 * system would keep a layer in memory until the last fsync, and the client would have to wait for all of it then.
 */
function earlyFlush(handle: FileHandle) {
  let unflushed = 0;
  let running: Promise<void> | undefined;
  let failure: { readonly error: unknown } | undefined;
  return {
    wrote(bytes: number): void {
      unflushed += bytes;
      if (unflushed < flushStrideBytes || running !== undefined) return;
      unflushed = 0;
      running = handle
        .datasync()
        .catch((error: unknown) => {
          failure ??= { error };
        })
        .finally(() => {
          running = undefined;
        });
    },
    /** Waits for the last flush. Throws the error of any flush, because the disk reports an error only once. */
    async settled(): Promise<void> {
      await running;
      if (failure !== undefined) throw failure.error;
    },
  };
}

/**
 * Reads a whole body into memory. Returns undefined as soon as it is longer than `limit` bytes. The bytes count in `memory`
 * until the request has been answered.
 *
 * @throws ClientGone if the connection ended before the body did; NoMemoryLeft if it had to make room for others
 */
export function receiveSmall(
  { req, res }: { readonly req: IncomingMessage; readonly res: ServerResponse },
  limit: number,
  memory: BodyMemory,
): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    let chunks: Buffer[] = [];
    let length = 0;
    const held = memory.hold(() => {
      stop();
      chunks = [];
      reject(new NoMemoryLeft());
    });
    res.once("close", held.end);
    const stop = () => {
      req.off("data", onData).off("end", onEnd).off("close", onClose);
      req.resume();
    };
    const onData = (chunk: Buffer) => {
      length += chunk.length;
      if (length <= limit) {
        chunks.push(chunk);
        held.grow(chunk.length);
      } else {
        stop();
        resolve(undefined);
      }
    };
    const onEnd = () => {
      stop();
      held.complete();
      resolve(Buffer.concat(chunks, length));
    };
    const onClose = () => {
      stop();
      reject(new ClientGone());
    };
    if (req.destroyed) return reject(new ClientGone());
    req.on("data", onData).on("end", onEnd).on("close", onClose);
  });
}

async function writeAll(handle: FileHandle, buffers: Buffer[]): Promise<void> {
  let rest = buffers;
  while (rest.length > 0) {
    const { bytesWritten } = await handle.writev(rest);
    rest = after(rest, bytesWritten);
  }
}

// A short write is not an error. The next attempt either goes on or throws the reason.
function after(buffers: Buffer[], written: number): Buffer[] {
  let skip = written;
  const rest: Buffer[] = [];
  for (const buffer of buffers) {
    if (skip >= buffer.length) skip -= buffer.length;
    else {
      rest.push(skip === 0 ? buffer : buffer.subarray(skip));
      skip = 0;
    }
  }
  return rest;
}

const chunkBytes = 1024 * 1024;

/**
 * Sends `length` bytes of a file from the position `start`, after the headers, and ends the response. Two buffers take
 * turns: one is filled while the other is sent. If the client goes away, this resolves as well. The caller closes the file.
 *
 * @throws the error of reading, after it has ended the connection, because the headers have promised a length already
 */
export async function sendFile(
  res: ServerResponse,
  handle: FileHandle,
  { start, length, budget }: { start: number; length: number; budget: Budget },
): Promise<void> {
  const chunk = budget.take(Math.min(chunkBytes, Math.max(length, 1)));
  const second = length > chunk ? budget.take(chunk) : 0;
  try {
    const size = second === 0 ? chunk : Math.min(chunk, second);
    const buffers = [
      Buffer.allocUnsafeSlow(size),
      second === 0 ? Buffer.alloc(0) : Buffer.allocUnsafeSlow(size),
    ] as const;
    let [current, other] = buffers;
    let sent = 0;
    let writing: Promise<boolean> = Promise.resolve(true);
    while (sent < length) {
      const filled = await fill(handle, current, start + sent, Math.min(size, length - sent));
      if (!(await writing)) return;
      if (filled === 0) throw new Error("The file is shorter than it was.");
      writing = write(res, current.subarray(0, filled));
      sent += filled;
      [current, other] = [other, current];
    }
    if (await writing) res.end();
  } catch (error) {
    res.destroy();
    throw error;
  } finally {
    budget.give(chunk);
    budget.give(second);
  }
}

async function fill(handle: FileHandle, buffer: Buffer, position: number, length: number): Promise<number> {
  const { bytesRead } = await handle.read(buffer, 0, length, position);
  return bytesRead;
}

/** Resolves when the buffer may be used again: with true if the bytes were sent, with false if the connection is gone. */
function write(res: ServerResponse, bytes: Buffer): Promise<boolean> {
  return new Promise((resolve) => {
    if (res.destroyed) return resolve(false);
    const gone = () => resolve(false);
    res.once("close", gone);
    res.write(bytes, (error) => {
      res.off("close", gone);
      resolve(error === null || error === undefined);
    });
  });
}
