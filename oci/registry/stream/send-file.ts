import type { FileHandle } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import type { Budget } from "./budget.ts";

const chunkBytes = 1024 * 1024;

/**
 * Sends `length` bytes of a file from `start`, after the headers, and ends the response. Two buffers take turns: one is
 * read into while the other is on its way out. Resolves, too, when the client goes away; closing the file is the
 * caller's. A file that ends early breaks the connection, since its length was promised already.
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

/** Whether the bytes went out: false when the connection is gone. Only then may their buffer be used again. */
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
