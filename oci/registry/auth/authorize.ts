import type { IncomingMessage } from "node:http";
import { type Access, allows, formatScope } from "../../token/index.ts";
import { OciError } from "../http/errors.ts";
import type { Authentication, Caller } from "./authenticate.ts";

/** What a request needs; `suggested` is what a client should ask the token endpoint for, which may be more. */
export interface Need {
  readonly type: Access["type"];
  readonly name: string;
  readonly action: string;
  readonly suggested: readonly Access[];
}

/** Where tokens come from, as this request reaches us. */
export interface TokenPlace {
  readonly realm: string;
  readonly service: string;
}

/**
 * The caller, if they may do what the request needs; without a need any valid token does.
 * Throws 401 with the challenge that leads to the right token, or 403 where no exchange could help.
 */
export function authorize(authentication: Authentication, need: Need | undefined, place: TokenPlace): Caller {
  const scope = formatScope(need?.suggested ?? []);
  if (authentication === "none") throw challenge(place, scope, undefined, "Authentication is required.");
  if (authentication === "invalid") {
    throw challenge(place, scope, "invalid_token", "The credential is not valid, or has expired.");
  }
  if (need === undefined || allows(authentication.access, need.type, need.name, need.action)) return authentication;
  const refusal = `The credential does not allow ${need.action} on ${need.name}.`;
  // Basic credentials are what a bearer is exchanged for, so there is nothing wider to come back with.
  if (authentication.scheme === "basic") throw new OciError(403, "DENIED", refusal);
  throw challenge(place, scope, "insufficient_scope", refusal);
}

/** The 401 with its `Www-Authenticate` (the distribution project's token authentication; RFC 6750 for `error`). */
export function challenge(
  { realm, service }: TokenPlace,
  scope: string,
  error: "invalid_token" | "insufficient_scope" | undefined,
  message: string,
): OciError {
  const parameters = [
    `realm="${realm}"`,
    `service="${service}"`,
    ...(scope === "" ? [] : [`scope="${scope}"`]),
    ...(error === undefined ? [] : [`error="${error}"`]),
  ];
  const code = error === "insufficient_scope" ? "DENIED" : "UNAUTHORIZED";
  return new OciError(401, code, message, { "Www-Authenticate": `Bearer ${parameters.join(",")}` });
}

/** The token endpoint's address: the public one, or the one by which this client found us. */
export function realmOf(req: IncomingMessage, publicUrl: string | undefined): string {
  if (publicUrl !== undefined) return `${publicUrl.replace(/\/+$/, "")}/token`;
  const { host } = req.headers;
  // It goes into a quoted string, so anything but a plain host and port is not repeated.
  const plain = host !== undefined && /^[\w.:[\]-]+$/.test(host);
  const authority = plain ? host : `${req.socket.localAddress ?? "localhost"}:${req.socket.localPort ?? 80}`;
  return `${"encrypted" in req.socket ? "https" : "http"}://${authority}/token`;
}
