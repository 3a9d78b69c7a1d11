import type { IncomingMessage } from "node:http";
import { parseForm } from "./query.ts";
import { SERVICES, type ServiceProfile } from "./services.ts";
import { readSigned, type Signed } from "./signature.ts";

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
export async function readApiRequest(req: IncomingMessage): Promise<ApiRequest | undefined> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
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
