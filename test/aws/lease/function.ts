import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { type CountedCall, startCall } from "../../../core/call.ts";
import { createLeaseTable, type LeaseTableOptions } from "../../../functions/aws/lease/table.ts";
import { type Dynamo, dynamoClient } from "./dynamo.ts";

/** A clock that only moves when somebody waits, or a test moves it. */
export interface FakeClock {
  readonly now: () => number;
  readonly date: () => Date;
  /** What each wait was for. */
  readonly waits: number[];
  advance(milliseconds: number): void;
  wait(milliseconds: number, signal: AbortSignal): Promise<void>;
  /** Called after each wait, as what the others do meanwhile. */
  meanwhile: () => void | Promise<void>;
}

const epoch = Date.UTC(2026, 0, 1);

export function fakeClock(): FakeClock {
  let now = 0;
  const clock: FakeClock = {
    now: () => now,
    date: () => new Date(epoch + now),
    waits: [],
    advance(milliseconds) {
      now += milliseconds;
    },
    async wait(milliseconds, signal) {
      signal.throwIfAborted();
      clock.waits.push(milliseconds);
      now += milliseconds;
      await clock.meanwhile();
      signal.throwIfAborted();
    },
    meanwhile: () => {},
  };
  return clock;
}

export interface CallParts {
  readonly clock: FakeClock;
  readonly signal?: AbortSignal;
  readonly asOf?: Date;
}

export function callAt({ clock, signal = new AbortController().signal, asOf }: CallParts): CountedCall {
  return startCall({
    requestId: "req-1",
    caller: { issuer: "door", subject: "test" },
    signal,
    now: clock.date,
    ...(asOf && { asOf: { at: asOf, isCut: false } }),
    retry: { attempts: 3, baseMs: 1, capMs: 2 },
  });
}

/** What may happen to a request on its way. */
export type Fate = "pass" | "lose the answer" | "never arrive" | Error;

/** A client whose requests a test may disturb, and that tells what it has sent. */
export interface DisturbedClient {
  readonly client: DynamoDBClient;
  readonly sent: string[];
  /** Asked for each request, by its number from 1. May do something first. */
  fate: (request: number, name: string) => Fate | Promise<Fate>;
}

export function disturbedClient({ endpoint }: Dynamo): DisturbedClient {
  const client = dynamoClient(endpoint);
  const disturbed: DisturbedClient = { client, sent: [], fate: () => "pass" };
  client.middlewareStack.add(
    (next, { commandName = "" }) =>
      async (args) => {
        disturbed.sent.push(commandName.replace("Command", ""));
        const fate = await disturbed.fate(disturbed.sent.length, commandName);
        if (fate instanceof Error) throw fate;
        if (fate === "never arrive") throw Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
        const answer = await next(args);
        if (fate === "lose the answer") throw Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
        return answer;
      },
    { step: "initialize" },
  );
  return disturbed;
}

/** An error as the SDK throws it for an answer of DynamoDB. */
export function answeredWith(name: string, status = 400): Error {
  return Object.assign(new Error(`${name} arn:aws:iam::123456789012:role/secret`), {
    name,
    $metadata: { httpStatusCode: status },
  });
}

/** A function with its own clock, client and lease of 10 seconds. */
export function startFunction(dynamo: Dynamo, options: Partial<LeaseTableOptions> = {}) {
  const clock = fakeClock();
  const network = disturbedClient(dynamo);
  const { client } = network;
  const { tableName } = dynamo;
  const lease = createLeaseTable({ tableName, client, clock, leaseMs: 10_000, random: () => 1, ...options });
  const call = (parts: Partial<CallParts> = {}) => callAt({ clock, ...parts });
  return { clock, network, lease, call };
}
