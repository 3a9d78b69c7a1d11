import type { IncomingHttpHeaders } from "node:http";
import { parseForm } from "./query.ts";
import { SERVICES, type ServiceProfile } from "./services.ts";
import { readSigned, type Signed } from "./signature.ts";

/** What arrives, over a socket or without one. */
export interface Message {
  readonly method?: string | undefined;
  /** Path and query. */
  readonly url?: string | undefined;
  /** By their names in lower case. */
  readonly headers: IncomingHttpHeaders;
}

/** A request to one of the services, in whichever protocol it came. */
export interface ApiRequest {
  readonly profile: ServiceProfile;
  readonly action: string;
  /** The parameters; absent where the body cannot be read. */
  readonly values: Readonly<Record<string, unknown>> | undefined;
  readonly signed: Signed | undefined;
  readonly body: Buffer;
}

/** Reads a request; undefined where it is of no service that is emulated. */
export function readApiRequest(req: Message, body: Buffer): ApiRequest | undefined {
  const signed = readSigned(req.headers.authorization);
  const [marker = "", action = ""] = String(req.headers["x-amz-target"] ?? "").split(".");
  const byTarget = SERVICES.find((service) => service.protocol !== "query" && service.marker === marker);
  if (byTarget !== undefined) {
    return { profile: byTarget, action, values: parseJson(body), signed, body };
  }
  const form = new URLSearchParams(body.toString());
  const byVersion = SERVICES.find((service) => service.protocol === "query" && service.marker === form.get("Version"));
  if (byVersion === undefined) return undefined;
  const { Action, Version: _, ...values } = parseForm(form);
  return { profile: byVersion, action: String(Action), values, signed, body };
}

function parseJson(body: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = body.length === 0 ? {} : JSON.parse(body.toString());
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
