import type { Hash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import type { Budget } from "./budget.ts";

const batchBytes = 1024 * 1024;

/** The client went away, or its connection broke, before the whole body was there. */
export class ClientGone extends Error {
  constructor() {
    super("The client went away before the request was complete.");
    this.name = "ClientGone";
  }
}

/**
 * What a body is written to. `written` is called after each batch, when it is in the file and in the hash. The file is
 * open for appending: if somebody shortens it meanwhile it ends up too short, where writing at a position would leave
 * a hole of zeros in a file of the right length.
 */
export interface Sink {
  readonly handle: FileHandle;
  readonly hash: Hash;
  readonly budget: Budget;
  readonly written: (bytes: number) => void;
}

/**
 * Writes a request's body to a file in batches and hashes it as it comes: while one batch is being written the next
 * one gathers, and when that is full too the client has to wait. Throws {@link ClientGone}, with what did come
 * written, or the error of the write.
 */
export function receive(req: IncomingMessage, { handle, hash, budget, written }: Sink): Promise<void> {
  const full = budget.take(batchBytes);
  return new Promise<void>((resolve, reject) => {
    let batch: Buffer[] = [];
    let gathered = 0;
    let writing = false;
    let ending: "no" | "complete" | "broken" = req.destroyed && !req.readableEnded ? "broken" : "no";

    const stop = (error?: unknown) => {
      req.off("data", onData).off("end", onEnd).off("close", onClose);
      // What still comes is thrown away, so that the answer can be read by a client that is still sending.
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
        written(bytes);
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
  }).finally(() => budget.give(full));
}

/** A whole body in memory, or undefined as soon as it is longer than `limit`. Throws {@link ClientGone}. */
export function receiveSmall(req: IncomingMessage, limit: number): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const stop = () => {
      req.off("data", onData).off("end", onEnd).off("close", onClose);
      req.resume();
    };
    const onData = (chunk: Buffer) => {
      length += chunk.length;
      if (length <= limit) chunks.push(chunk);
      else {
        stop();
        resolve(undefined);
      }
    };
    const onEnd = () => {
      stop();
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

// A short write is not an error: the next attempt tells why, or goes on.
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
