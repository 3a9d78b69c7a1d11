import { type Port, type Process, processes } from "./ports.ts";
import { type Random, seeded, spoiltRequests } from "./spoilt.ts";
import { type Ending, sendBytes } from "./wire.ts";

export interface FuzzOptions {
  readonly seed: number;
  /** The most connections to each port. */
  readonly connections: number;
  /** Milliseconds after which a port gets no new connection. Without it only their number counts. */
  readonly forMs?: number;
}

/** What a port was sent, and what came back. */
export interface Figures {
  readonly connections: number;
  readonly bytes: number;
  readonly seconds: number;
  /** How often each status came back. */
  readonly statuses: Readonly<Record<string, number>>;
  /** What was answered as if the server were broken: the bytes that did it. */
  readonly failures: readonly string[];
}

const atOnce = 16;
const betweenChecks = 200;
const endings: readonly Ending[] = [
  "half-close",
  "half-close in silence",
  "half-close in silence",
  "break",
  "break on answer",
  "deaf",
];

/**
 * Starts a process, sends spoilt requests to each of its ports, and ends it. Fails where the process is not well any more,
 * has something to say, leaves something open, or does not end. Prints the seed and the figures.
 */
export async function fuzz(name: keyof typeof processes, options: FuzzOptions): Promise<Figures[]> {
  const process = await processes[name].start();
  try {
    const all: Figures[] = [];
    for (const [port, each] of Object.entries(process.ports)) {
      const figures = await fuzzPort(process, each, options);
      console.log(`bytes: ${name}, ${port}: seed ${options.seed}, ${JSON.stringify(figures)}`);
      all.push(figures);
    }
    await process.stop();
    return all;
  } finally {
    await process.remove();
  }
}

/** The seed decides what each connection sends. In which order they arrive, nothing does. */
async function fuzzPort(process: Process, port: Port, options: FuzzOptions): Promise<Figures> {
  const started = performance.now();
  const until = started + (options.forMs ?? Number.POSITIVE_INFINITY);
  const statuses: Record<string, number> = {};
  const failures: string[] = [];
  let [connections, bytes] = [0, 0];
  const connectAgain = async (): Promise<void> => {
    while (connections < options.connections && performance.now() < until && failures.length === 0) {
      const serial = connections++;
      // Each connection has a generator of its own, so that one alone can be repeated.
      const random = seeded(options.seed * 1_000_003 + serial);
      const text = spoiltRequests(port, random);
      bytes += text.length;
      const received = await sendBytes(port.address, inPieces(text, random), random.of(endings));
      for (const [, status = ""] of received.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)) {
        statuses[status] = (statuses[status] ?? 0) + 1;
        if (status === "500") failures.push(`connection ${serial}: ${JSON.stringify(text.slice(0, 2_000))}`);
      }
      if (serial % betweenChecks === 0) await process.expectWell();
    }
  };
  await Promise.all(Array.from({ length: atOnce }, connectAgain));
  await process.expectWell();
  return { connections, bytes, seconds: Math.round((performance.now() - started) / 1_000), statuses, failures };
}

function inPieces(text: string, random: Random): string[] {
  const cuts = Array.from({ length: random.below(4) }, () => random.below(text.length + 1)).sort((a, b) => a - b);
  return [0, ...cuts].map((from, i) => text.slice(from, cuts[i])).filter((piece) => piece !== "");
}
