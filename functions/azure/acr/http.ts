import type { Call } from "../../../core/call.ts";
import type { HttpClient } from "../../../core/http-client.ts";
import { errorFrom, OciError } from "../../../oci/client/errors.ts";
import { type Refused, translateRegistryError } from "../errors.ts";

export interface RegistryRequest extends Refused {
  readonly url: string;
  readonly method: "GET" | "POST" | "DELETE";
  readonly authorization?: string;
  /** Sent as a form. May hold secrets: it goes to this URL and nowhere else. */
  readonly form?: Readonly<Record<string, string>>;
  /** Statuses that are answers here; any other is thrown. */
  readonly expect: readonly number[];
}

export interface RegistryAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** Undefined where the body is no JSON. */
  readonly json: unknown;
}

type WithHttp = { readonly http: HttpClient };

/** One request to the registry. */
export function askRegistry({ http }: WithHttp, call: Call, request: RegistryRequest): Promise<RegistryAnswer> {
  return call.upstream(request.what, async (signal) => {
    try {
      return await send(http, request, signal);
    } catch (error) {
      signal.throwIfAborted();
      throw translateRegistryError(error, request);
    }
  });
}

async function send(http: HttpClient, request: RegistryRequest, signal: AbortSignal): Promise<RegistryAnswer> {
  const { what, url, method, authorization, form, expect } = request;
  const headers = {
    accept: "application/json",
    ...(form && { "content-type": "application/x-www-form-urlencoded;charset=UTF-8" }),
    ...(authorization !== undefined && { authorization }),
  };
  const body = form && new URLSearchParams(form).toString();
  // It follows no redirect, which would carry the form's secrets to another place.
  const response = await http.fetch(url, { method, headers, signal, ...(body && { body }) }).catch((cause: unknown) => {
    throw new OciError(0, "NETWORK", `${what}: no answer`, { cause });
  });
  // What the registry says in a refusal is read for telling refusals apart, and handed on to nobody.
  if (!expect.includes(response.status)) throw await errorFrom(response, what, (text) => text);
  const text = await response.text().catch((cause: unknown) => {
    throw new OciError(0, "NETWORK", `${what}: the answer was cut off`, { cause });
  });
  return { status: response.status, headers: response.headers, json: parse(text) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A member of an answer that must be a text, and not an empty one. */
export function textOf(json: unknown, name: string): string | undefined {
  if (typeof json !== "object" || json === null) return undefined;
  const value: unknown = Reflect.get(json, name);
  return typeof value === "string" && value !== "" ? value : undefined;
}
