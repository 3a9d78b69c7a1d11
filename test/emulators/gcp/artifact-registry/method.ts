import type { CallRecord, Fault } from "../call.ts";
import { GcpError } from "../errors.ts";
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

/**
 * One page of a list, by `page_size` and `page_token`, which names the last item of the page before: what is deleted meanwhile hides no
 * other item. A token is of the list of its parent alone. More than 1,000 items are asked for in vain (ListPackagesRequest and its like).
 *
 * @throws INVALID_ARGUMENT for a token that is not one of this list
 */
export function pageOf<Item>(
  request: Message,
  items: readonly Item[],
  keyOf: (item: Item) => string,
): { items: readonly Item[]; next: string } {
  const parent = text(request, "parent");
  const after = lastOf(text(request, "pageToken"), parent);
  const sorted = items.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)).filter((item) => keyOf(item) > after);
  const page = sorted.slice(0, Math.min(Number(request.pageSize) || 100, 1000));
  const last = page.at(-1);
  const goesOn = last !== undefined && page.length < sorted.length;
  return { items: page, next: goesOn ? Buffer.from(JSON.stringify([parent, keyOf(last)])).toString("base64url") : "" };
}

function lastOf(token: string, parent: string): string {
  if (token === "") return "";
  try {
    const [of, last] = JSON.parse(Buffer.from(token, "base64url").toString()) as [string, string];
    if (of === parent) return last;
  } catch {
    // No token of ours.
  }
  throw new GcpError("INVALID_ARGUMENT", "Request contains an invalid argument: the page token is not valid.");
}
