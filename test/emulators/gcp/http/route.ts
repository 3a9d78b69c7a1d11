import type { CallRecord, Service } from "../call.ts";
import { GcpError } from "../errors.ts";
import { authorize, type Resource } from "../iam/authorize.ts";
import type { Caller } from "../identity/tokens.ts";
import type { World } from "../world.ts";

export type Json = Readonly<Record<string, unknown>>;

/** One request to a JSON API, authenticated. */
export interface Request {
  readonly world: World;
  readonly caller: Caller;
  readonly record: CallRecord;
  readonly query: URLSearchParams;
  readonly body: Json;
  /** What the path's groups matched, decoded. */
  readonly path: readonly string[];
  /** The path as it was sent. */
  readonly rawPath: string;
}

export interface Route {
  readonly service: Service;
  readonly action: string;
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly path: RegExp;
  readonly handle: (request: Request) => Json;
}

/** @throws PERMISSION_DENIED */
export function permit({ world, record, caller }: Request, permission: string, resource: Resource): void {
  authorize(world, record, caller, permission, resource);
}

/** A text of the body; empty where there is none. @throws INVALID_ARGUMENT */
export function textOf(body: Json, field: string): string {
  const value = body[field] ?? "";
  if (typeof value !== "string") throw new GcpError("INVALID_ARGUMENT", `Invalid value at '${field}' (TYPE_STRING).`);
  return value;
}

/** An object of the body; empty where there is none. @throws INVALID_ARGUMENT */
export function objectOf(body: Json, field: string): Json {
  const value = body[field] ?? {};
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new GcpError("INVALID_ARGUMENT", `Invalid value at '${field}'.`);
  }
  return value as Json;
}

/** A list of the body; empty where there is none. @throws INVALID_ARGUMENT */
export function listOf(body: Json, field: string): readonly unknown[] {
  const value = body[field] ?? [];
  if (!Array.isArray(value)) throw new GcpError("INVALID_ARGUMENT", `Invalid value at '${field}'.`);
  return value;
}

/** @throws INVALID_ARGUMENT for a field that the method does not have */
export function onlyFields(body: Json, ...known: readonly string[]): void {
  const unknown = Object.keys(body).find((field) => !known.includes(field));
  if (unknown === undefined) return;
  throw new GcpError(
    "INVALID_ARGUMENT",
    `Invalid JSON payload received. Unknown name "${unknown}": Cannot find field.`,
  );
}
