import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { GcpError, STATUSES } from "../errors.ts";
import type { World } from "../world.ts";
import { type Call, type Message, text } from "./method.ts";

const METADATA = { "@type": "type.googleapis.com/google.devtools.artifactregistry.v1.OperationMetadata" };
export const EMPTY: Message = { "@type": "type.googleapis.com/google.protobuf.Empty" };

/** Long-running operations: what they do is done when they are, not when they are asked for. */
export class Operations {
  readonly #world: World;
  readonly #operations = new Map<string, Message>();
  readonly #stopped = new AbortController();

  constructor(world: World) {
    this.#world = world;
  }

  /** Starts one below a location (`projects/P/locations/L`); `run` answers its response. */
  start({ fault, record }: Call, parent: string, run: () => Promise<Message> | Message): Message {
    const name = `${parent}/operations/${randomUUID()}`;
    const pending = { name, done: false, metadata: METADATA };
    this.#operations.set(name, pending);
    if (record.resource !== undefined) this.#world.operationTargets.set(name, record.resource);
    if (fault?.kind === "unending") return pending;
    const work = async () => {
      await (fault?.kind === "held"
        ? fault.until
        : sleep(this.#world.behaviour.operationMs, undefined, { signal: this.#stopped.signal }));
      if (fault?.kind === "operation") throw new GcpError(fault.status, fault.message ?? "The operation failed.");
      return { ...pending, done: true, response: await run() };
    };
    work()
      .catch((error: unknown) => ({ ...pending, done: true, error: errorOf(error) }))
      .then((done) => this.#operations.set(name, done));
    return pending;
  }

  /** GetOperation: whoever has a token may ask. @throws NOT_FOUND */
  get({ request }: Call): Message {
    const name = text(request, "name");
    const operation = this.#operations.get(name);
    if (operation === undefined) throw new GcpError("NOT_FOUND", `Operation "${name}" not found.`);
    return operation;
  }

  stop(): void {
    this.#stopped.abort();
  }
}

function errorOf(error: unknown): Message {
  if (error instanceof GcpError) return { code: STATUSES[error.status].grpc, message: error.message };
  return { code: STATUSES.INTERNAL.grpc, message: `The emulator failed: ${String(error)}` };
}
