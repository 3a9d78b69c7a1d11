import { Agent, request } from "node:http";
import { text } from "node:stream/consumers";

export interface LoadOptions {
  readonly url: string;
  readonly connections: number;
  readonly token: string;
  /** The input of the n-th request for credentials. */
  readonly input: (n: number) => object;
}

export interface Load {
  /** How many requests were answered by each status, `200` or another, or failed by an error's code. */
  readonly outcomes: Map<string, number>;
  /** Milliseconds that each took. */
  readonly latencies: number[];
  /** Passwords that were handed out: no log and no metric may hold one. */
  readonly passwords: Set<string>;
  /** Lets every connection finish its request, and ends. */
  stop(): Promise<void>;
}

/** Asks for credentials on so many connections, each as soon as it has its last answer. Nothing is tried twice. */
export function startLoad({ url, connections, token, input }: LoadOptions): Load {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const outcomes = new Map<string, number>();
  const latencies: number[] = [];
  const passwords = new Set<string>();
  let [running, serial] = [true, 0];
  const ask = (n: number) =>
    new Promise<string>((resolve) => {
      const body = JSON.stringify(input(n));
      const headers = { authorization: `Bearer ${token}`, "content-length": Buffer.byteLength(body) };
      const sent = request(`${url}/v1/generateCredentials`, { method: "POST", agent, headers }, async (response) => {
        try {
          const answer = JSON.parse(await text(response));
          if (response.statusCode === 200) passwords.add(answer.password);
          resolve(response.statusCode === 200 ? "200" : `${response.statusCode} ${answer.code}`);
        } catch (error) {
          resolve(`${response.statusCode} ${(error as NodeJS.ErrnoException).code ?? "no JSON"}`);
        }
      });
      sent.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      sent.end(body);
    });
  const worker = async () => {
    while (running) {
      const started = performance.now();
      const outcome = await ask(serial++);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      latencies.push(performance.now() - started);
    }
  };
  const workers = Array.from({ length: connections }, worker);
  return {
    outcomes,
    latencies,
    passwords,
    async stop() {
      running = false;
      await Promise.all(workers);
      agent.destroy();
    },
  };
}
