import { setTimeout as sleep } from "node:timers/promises";
import { type PlatformName, platforms } from "../../platforms.ts";
import { openSuite } from "./suite.ts";

/** What a worker is told, as JSON in its first argument. It reads a list to its end. */
export interface Orders {
  readonly platform: PlatformName;
  readonly caller: string;
  readonly requests: readonly { readonly operation: string; readonly input: object }[];
  readonly operationTimeoutMs?: number;
  /** Whether it goes on to the next request when one is refused for good; else that ends it with a failure. */
  readonly goesOn?: boolean;
}

/** What a worker prints, a line each. */
export interface Report {
  readonly event: "start" | "acknowledged" | "refused";
  readonly index: number;
  readonly at: number;
  readonly text?: string;
}

const { platform, caller, requests, operationTimeoutMs, goesOn = false } = JSON.parse(process.argv[2] ?? "") as Orders;
const limits = operationTimeoutMs === undefined ? {} : { operationTimeoutMs };
const { ask } = openSuite(await platforms[platform].load(), process.env, limits);
// One clock for all processes of the machine.
const at = () => Number(process.hrtime.bigint()) / 1e6;
const print = (report: Omit<Report, "at">) => process.stdout.write(`${JSON.stringify({ ...report, at: at() })}\n`);

for (const [index, { operation, input }] of requests.entries()) {
  print({ event: "start", index });
  for (let page = {}; ; ) {
    const { status, text, body } = await ask(operation, { ...input, ...page }, caller);
    if (status === 200 && body.nextPageToken !== undefined) {
      page = { pageToken: body.nextPageToken };
      continue;
    }
    const isOver = status === 200 || (goesOn && body.retryable !== true);
    print(status === 200 ? { event: "acknowledged", index } : { event: "refused", index, text });
    if (isOver) break;
    if (body.retryable !== true) process.exit(1);
    await sleep(Math.random() * 50);
  }
}
process.exit(0);
