import type { IncomingMessage } from "node:http";
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from "jose";
import type { GcpEmulator } from "../../emulators/gcp/index.ts";
import { type Front, servePlatform } from "../../support/front.ts";
import type { Address } from "../handler/functions.ts";

/**
 * The paths that never reach a container (Cloud Run, "Known issues", "Reserved URL paths": `/eventlog`, whatever begins with
 * `/_ah/`, and "some paths ending with z"). Google does not list the last ones; `/healthz` is one of them, `/livez` and `/readyz` are not.
 */
const isReserved = (path: string) => path === "/eventlog" || path.startsWith("/_ah/") || path === "/healthz";

/**
 * What stands before a function on Cloud Run, as its documentation describes it. It answers reserved paths itself. Asks IAM who may invoke the function, and hands on what they send: where `X-Serverless-Authorization` is there, it alone
 * is looked at; the token that was verified loses its signature, and nothing else of the request changes.
 *
 * @param invokers e-mail addresses that have `run.routes.invoke`; `allUsers` lets everything through as it is
 */
export async function startFront(
  gcp: GcpEmulator,
  target: Address,
  invokers: "allUsers" | readonly string[],
): Promise<Front> {
  const keys = createLocalJWKSet(gcp.world.idTokens.keys() as JSONWebKeySet);
  let url = "";

  /** @returns the headers to hand on, or the status with which the platform refuses */
  async function admit({ headers, url: target = "" }: IncomingMessage): Promise<IncomingMessage["headers"] | number> {
    if (isReserved(target.split("?", 1)[0] ?? "")) return 404;
    if (invokers === "allUsers") return headers;
    const name = headers["x-serverless-authorization"] === undefined ? "authorization" : "x-serverless-authorization";
    const token = /^Bearer (\S+)$/i.exec(String(headers[name] ?? ""))?.[1];
    if (token === undefined) return 403;
    try {
      const { payload } = await jwtVerify(token, keys, { issuer: "https://accounts.google.com", audience: url });
      if (!invokers.includes(String(payload.email))) return 403;
    } catch {
      return 401;
    }
    return { ...headers, [name]: `Bearer ${token.replace(/[^.]*$/, "SIGNATURE_REMOVED_BY_GOOGLE")}` };
  }

  const front = await servePlatform(target, admit);
  url = front.url;
  return front;
}
