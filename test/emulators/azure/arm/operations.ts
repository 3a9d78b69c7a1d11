import { randomUUID } from "node:crypto";
import type { Fault } from "../call.ts";
import { AzureError } from "../errors.ts";
import type { Answer } from "../http/answer.ts";
import type { World } from "../world.ts";
import type { ArmRequest } from "./route.ts";

type Outcome = "InProgress" | "Succeeded" | AzureError;

interface Operation {
  readonly id: string;
  readonly principalId: string;
  outcome: Outcome;
}

interface Pending {
  readonly operation: Operation;
  readonly endsAt: number;
  readonly end: () => Ended | Promise<Ended>;
}

// biome-ignore lint/suspicious/noConfusingVoidType: what ends well says nothing
type Ended = AzureError | void;

/** What a call does. Of a call that a fault hits nothing is done, and the operation is all that there is. */
export interface Work {
  /** Done when the call is taken. */
  begin(): void | Promise<void>;
  /** Done when the operation ends. */
  end(): void | Promise<void>;
}

/** Long-running operations. They end by the emulator's clock, when the next call comes. */
export class Operations {
  readonly #world: World;
  readonly #operations = new Map<string, Operation>();
  #pending: Pending[] = [];
  #settling = Promise.resolve();

  constructor(world: World) {
    this.#world = world;
  }

  /** Begins one. Undefined where it has ended at once. */
  async start(principalId: string, fault: Fault | undefined, work: Work): Promise<string | undefined> {
    const operation: Operation = { id: `registries-${randomUUID()}`, principalId, outcome: "InProgress" };
    this.#operations.set(operation.id, operation);
    if (fault?.kind === "unending") return operation.id;
    const { operationMs } = this.#world.behaviour;
    const endsAt = this.#world.clock().getTime() + operationMs;
    if (fault?.kind === "operation") {
      this.#pending.push({ operation, endsAt, end: () => asError(fault) });
      return operation.id;
    }
    await work.begin();
    if (operationMs === 0) {
      await work.end();
      return undefined;
    }
    this.#pending.push({ operation, endsAt, end: work.end });
    return operation.id;
  }

  /** Ends those whose time has come. */
  settle(): Promise<void> {
    this.#settling = this.#settling.then(async () => {
      const now = this.#world.clock().getTime();
      const due = this.#pending.filter(({ endsAt }) => endsAt <= now);
      this.#pending = this.#pending.filter(({ endsAt }) => endsAt > now);
      for (const { operation, end } of due) operation.outcome = (await end()) ?? "Succeeded";
    });
    return this.#settling;
  }

  /** What became of an operation; whoever did not start it knows of none. */
  outcome(id: string, principalId: string): Outcome {
    const operation = this.#operations.get(id);
    if (operation?.principalId === principalId) return operation.outcome;
    throw new AzureError(404, "NotFound", `The operation ${id} was not found.`);
  }
}

function asError({ code, message = `Injected ${code}.` }: { readonly code: string; readonly message?: string }) {
  return new AzureError(/^Internal/.test(code) ? 500 : 409, code, message);
}

/** `Azure-AsyncOperation`: a document that tells how it stands. */
export function operationStatus({ operations, caller, path }: ArmRequest, id: string, url: string): Answer {
  const outcome = operations.outcome(id, caller.principalId);
  const status = outcome instanceof AzureError ? "Failed" : outcome;
  const error = outcome instanceof AzureError ? { error: { code: outcome.code, message: outcome.message } } : {};
  return { status: 200, body: { id: url, name: path.at(-1), status, ...error } };
}

/** `Location`: 202 until it has ended. */
export function operationResult(request: ArmRequest, id: string): Answer {
  const outcome = request.operations.outcome(id, request.caller.principalId);
  if (outcome instanceof AzureError) throw outcome;
  if (outcome === "Succeeded") return { status: 204 };
  return { status: 202, headers: { Location: `${request.url}?${request.query}`, ...retryAfter(request) } };
}

/** Where to look how an operation stands. */
export function pollAt(request: ArmRequest, style: "Azure-AsyncOperation" | "Location", path: string) {
  const version = request.query.get("api-version");
  const origin = new URL(request.url).origin;
  return { [style]: `${origin}${path}?api-version=${version}`, ...retryAfter(request) };
}

function retryAfter({ world }: ArmRequest): Readonly<Record<string, string>> {
  const seconds = world.behaviour.operationRetryAfterSeconds;
  return seconds === undefined ? {} : { "Retry-After": String(seconds) };
}
