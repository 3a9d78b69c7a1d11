/** The token endpoint, to which the challenge of a 401 sends the clients. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { BodyMemory } from "../../http/bounds.ts";
import { type Access, allows, mintToken, narrow, parseScope, type TokenKeys } from "../../token/index.ts";
import type { Noted } from "../access-log.ts";
import { receiveSmall } from "../bodies.ts";
import { OciError, sendJson } from "../respond.ts";
import { type Authenticate, type Authentication, type Caller, tokenUser } from "./authorize.ts";

const bearerSeconds = 300;
const maxFormBytes = 64 * 1024;
/** So that a token stays short, however many scopes a client asks for. */
const maxWithheld = 10;

/** How the registry verifies tokens and makes new ones. */
export interface ExchangeOptions {
  readonly keys: TokenKeys;
  readonly service: string;
  readonly clock: () => Date;
  readonly authenticate: Authenticate;
  /** For the forms, which anybody may send. */
  readonly memory: BodyMemory;
}

/**
 * Answers a request to the token endpoint. It exchanges a credential for a bearer token that allows the intersection of
 * what the client asks for and what the credential allows. The bearer token expires after five minutes, or with the
 * credential if that is earlier, or is revoked with it. Docker and containerd send a GET with Basic credentials, or a POST with the OAuth2 form
 * (the grants `password` and `refresh_token`).
 *
 * @throws OciError 401 without a valid credential, 405 for another method, 413 for a form of more than 64 KiB
 */
export async function exchangeToken(
  { keys, service, clock, authenticate, memory }: ExchangeOptions,
  { req, res, query, noted }: { req: IncomingMessage; res: ServerResponse; query: URLSearchParams; noted: Noted },
): Promise<void> {
  const { caller, scopes } = await readRequest({ req, res, query }, authenticate, memory);
  noted.caller = caller;
  const now = clock();
  const end = Math.min(caller.expiresAt.getTime(), (Math.floor(now.getTime() / 1000) + bearerSeconds) * 1000);
  const [key] = await keys();
  const requested = parseScope(scopes.join(" "));
  const token = mintToken(key, {
    subject: caller.subject,
    access: narrow(requested, caller.access),
    audience: service,
    expiresAt: new Date(end),
    now,
    ...(caller.credential && { credential: caller.credential }),
    root: caller.root,
    withheld: withheldOf(requested, caller.access),
  });
  const answer = {
    token,
    access_token: token,
    expires_in: Math.floor((end - now.getTime()) / 1000),
    issued_at: now.toISOString(),
  };
  sendJson(res, 200, answer, { "Cache-Control": "no-store" });
}

/**
 * Returns the repositories of which the client asked to pull and may not. A mount from one of them is not challenged again: no
 * further exchange would help. The names are the client's own, so they tell it nothing.
 */
function withheldOf(requested: readonly Access[], held: readonly Access[]): string[] {
  const names = requested
    .filter(({ type, actions }) => type === "repository" && (actions.includes("pull") || actions.includes("*")))
    .map(({ name }) => name)
    .filter((name) => !allows(held, "repository", name, "pull"));
  const distinct = [...new Set(names)];
  return distinct.length > maxWithheld ? ["*"] : distinct;
}

async function readRequest(
  { req, res, query }: { req: IncomingMessage; res: ServerResponse; query: URLSearchParams },
  authenticate: Authenticate,
  memory: BodyMemory,
): Promise<{ caller: Caller; scopes: string[] }> {
  if (req.method === "GET") {
    return { caller: requireCaller(await authenticate(req.headers.authorization)), scopes: query.getAll("scope") };
  }
  if (req.method !== "POST")
    throw new OciError(405, "UNSUPPORTED", "The token endpoint allows only GET and POST.", { Allow: "GET, POST" });
  const body = await receiveSmall({ req, res }, maxFormBytes, memory);
  if (body === undefined) throw new OciError(413, "SIZE_INVALID", "The form is too long.");
  const form = new URLSearchParams(body.toString());
  return { caller: requireCaller(await authenticate(authorizationOf(form))), scopes: form.getAll("scope") };
}

// Credentials in a form are turned into a header, so that only one place decides what is valid.
function authorizationOf(form: URLSearchParams): string | undefined {
  const grant = form.get("grant_type");
  if (grant === "refresh_token") return `Bearer ${form.get("refresh_token") ?? ""}`;
  if (grant === "password" && form.get("username") === tokenUser) return `Bearer ${form.get("password") ?? ""}`;
  return undefined;
}

function requireCaller(authentication: Authentication): Caller {
  if (typeof authentication === "object") return authentication;
  const why = authentication === "none" ? "A credential is required." : "The credential is not valid, or has ended.";
  throw new OciError(401, "UNAUTHORIZED", why, { "Www-Authenticate": 'Basic realm="token"' });
}
