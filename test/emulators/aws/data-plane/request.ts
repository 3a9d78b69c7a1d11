import type { IncomingMessage, ServerResponse } from "node:http";
import { parseRoute, type Route } from "../../../../oci/registry/route.ts";

/** A request to the data plane, and what it is about. */
export interface RegistryRequest {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly route: Route | undefined;
  /** The user and password of Basic credentials, or a bearer. */
  readonly credential: Credential;
}

export type Credential =
  | { readonly kind: "none" }
  | { readonly kind: "basic"; readonly user: string; readonly password: string }
  | { readonly kind: "bearer"; readonly token: string };

export function readRequest(req: IncomingMessage, res: ServerResponse): RegistryRequest {
  const url = new URL(req.url ?? "/", "http://registry");
  const path = decodeURIComponent(url.pathname);
  return {
    req,
    res,
    method: req.method ?? "GET",
    path,
    query: url.searchParams,
    route: parseRoute(path),
    credential: readCredential(req.headers.authorization ?? ""),
  };
}

function readCredential(header: string): Credential {
  const [, scheme = "", value = ""] = /^(\S+) +(\S+)$/.exec(header.trim()) ?? [];
  if (scheme.toLowerCase() === "bearer") return { kind: "bearer", token: value };
  if (scheme.toLowerCase() !== "basic") return { kind: "none" };
  const [user = "", ...rest] = Buffer.from(value, "base64").toString().split(":");
  return { kind: "basic", user, password: rest.join(":") };
}

/** The whole body; a manifest's, which is small. */
export async function bodyOf(req: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
