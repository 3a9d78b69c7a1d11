import { createServer } from "node:net";

/** Below those from which the system takes a port for whoever asks for any: it gives none of these away (Linux: 32,768 and up). */
const FIRST = 20_000;
/** For each process that tests run in, so that none takes what another has looked at. */
const EACH = 500;
const own = FIRST + (Number(process.env.VITEST_POOL_ID ?? 0) % 24) * EACH;
let next = process.pid % EACH;

/** Loopback ports that were free a moment ago, for processes that must be told theirs. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    next = (next + 1) % EACH;
    if (await isFree(own + next)) ports.push(own + next);
  }
  return ports;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) =>
      error.code === "EADDRINUSE" ? resolve(false) : reject(error),
    );
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
