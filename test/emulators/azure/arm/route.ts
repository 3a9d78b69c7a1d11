import type { CallRecord, Fault } from "../call.ts";
import type { Answer } from "../http/answer.ts";
import type { Principal } from "../identity/directory.ts";
import type { AskedAssignment } from "../rbac/condition.ts";
import type { World } from "../world.ts";
import type { Operations } from "./operations.ts";
import { authorizationFailed, badRequest } from "./refusals.ts";

export type Json = Readonly<Record<string, unknown>>;

/** One request to Azure Resource Manager, authenticated. */
export interface ArmRequest {
  readonly world: World;
  readonly operations: Operations;
  readonly caller: Principal;
  readonly record: CallRecord;
  readonly fault: Fault | undefined;
  readonly query: URLSearchParams;
  readonly body: Json;
  /** What the path's groups matched, decoded. */
  readonly path: readonly string[];
  /** Without the query. */
  readonly url: string;
}

export interface Route {
  readonly action: string;
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: RegExp;
  readonly versions: readonly string[];
  readonly handle: (request: ArmRequest) => Answer | Promise<Answer>;
}

/**
 * Lets the call through where a role of the caller allows the action.
 *
 * @param assignment the role assignment that it is about, where it is about one: conditions may look at it
 * @throws AzureError AuthorizationFailed
 */
export function permit(
  { world, caller, record }: ArmRequest,
  action: string,
  scope: string,
  assignment?: AskedAssignment,
): void {
  const { principalId } = caller;
  const allowed = world.assignments.allows({ principalId, action, kind: "action", scope, assignment });
  record.authorizations.push({ action, scope, allowed });
  record.resource ??= scope;
  if (!allowed) throw authorizationFailed(caller, action, scope);
}

/** An object of the body; empty where there is none. */
export function objectOf(body: Json, field: string): Json {
  const value = body[field] ?? {};
  if (typeof value === "object" && !Array.isArray(value)) return value as Json;
  throw badRequest("InvalidRequestContent", `The request content was invalid: '${field}' is no object.`);
}

/** A text of the body; undefined where there is none. */
export function textOf(body: Json, field: string): string | undefined {
  const value = body[field] ?? undefined;
  if (value === undefined || typeof value === "string") return value;
  throw badRequest("InvalidRequestContent", `The request content was invalid: '${field}' is no text.`);
}

/** A truth value of the body; undefined where there is none. */
export function flagOf(body: Json, field: string): boolean | undefined {
  const value = body[field] ?? undefined;
  if (value === undefined || typeof value === "boolean") return value;
  throw badRequest("InvalidRequestContent", `The request content was invalid: '${field}' is neither true nor false.`);
}
