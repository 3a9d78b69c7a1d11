import type { CallRecord, Fault } from "../call.ts";
import { authorize, type Resource } from "../iam/authorize.ts";
import type { Caller } from "../identity/tokens.ts";
import type { World } from "../world.ts";
import type { Operations } from "./operations.ts";

/** A message as proto-loader reads and writes it. */
export type Message = Readonly<Record<string, unknown>>;

/** One call of Artifact Registry, as its methods see it. */
export interface Call {
  readonly world: World;
  readonly operations: Operations;
  readonly request: Message;
  readonly caller: Caller;
  readonly record: CallRecord;
  /** The fault that hits it, for those methods that can fail later than at once. */
  readonly fault: Fault | undefined;
}

export type Method = (call: Call) => Message | Promise<Message>;

/** @throws PERMISSION_DENIED */
export function permit({ world, record, caller }: Call, permission: string, resource: Resource): void {
  authorize(world, record, caller, `artifactregistry.${permission}`, resource);
}

export const text = (message: Message, field: string): string => String(message[field] ?? "");

export const messageOf = (message: Message, field: string): Message => (message[field] ?? {}) as Message;

/** A moment as `google.protobuf.Timestamp`. */
export function timestamp(date: Date): Message {
  const ms = date.getTime();
  return { seconds: Math.floor(ms / 1000), nanos: (ms % 1000) * 1_000_000 };
}

/** One page of a list, by `page_size` and `page_token`, which is the index of its first. */
export function pageOf<Item>(request: Message, items: readonly Item[]): { items: readonly Item[]; next: string } {
  const start = Number(text(request, "pageToken") || "0");
  const end = start + Math.min(Number(request.pageSize) || 100, 1000);
  return { items: items.slice(start, end), next: end < items.length ? String(end) : "" };
}
