/** Connections that never finish what they begin, opened as fast as one thread can, and callers beside them. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";

/** What each connection of a flood sends: all of the head, then so many bytes, and then nothing more. */
export interface Flood {
  readonly url: string;
  readonly connections: number;
  readonly head: string;
  readonly bytes: number;
}

/** What callers beside a flood met with. */
export interface Beside {
  /** Statuses of their answers, or what kept them from one; and how often. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** How long they waited, in milliseconds: the one in the middle, and the slowest. */
  readonly medianMs: number;
  readonly slowestMs: number;
}

/**
 * Sends one caller after the other beside a flood: while it comes, and 20 more when it stands.
 *
 * @param ask sends one request on a connection of its own, and returns its answer's status
 * @param flood resolves when the last of it has been sent, or refused; what it returns ends it
 */
export async function besideFlood(ask: () => Promise<number>, flood: () => Promise<() => void>): Promise<Beside> {
  const outcomes: Record<string, number> = {};
  const waits: number[] = [];
  let flooding = true;
  const callers = (async () => {
    for (let left = 20; left > 0; left -= flooding ? 0 : 1) {
      const started = performance.now();
      const outcome = await ask().catch((error: Error) => `${error.cause ?? error}`.slice(0, 60));
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      waits.push(Math.round(performance.now() - started));
    }
  })();
  const stop = await flood();
  flooding = false;
  await callers;
  stop();
  waits.sort((a, b) => a - b);
  return { outcomes, medianMs: waits[waits.length >> 1] ?? 0, slowestMs: waits.at(-1) ?? 0 };
}

/** @returns when every connection has sent everything or was closed, a function that ends those that are left */
export async function sendFlood(flood: Flood): Promise<() => void> {
  const worker = new Worker(new URL("sender.ts", import.meta.url), { workerData: flood });
  await once(worker, "message");
  return () => void worker.terminate();
}
