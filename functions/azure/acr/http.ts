import type { Call } from "../../../core/call.ts";
import { whole } from "../../../core/http.ts";
import { type HttpClient, headersOf, jsonOf } from "../../../core/http-client.ts";
import type { Environment } from "../../../core/platform.ts";
import { errorFrom, OciError } from "../../../oci/client/errors.ts";
import { type Refused, translateRegistryError } from "../errors.ts";
import type { AcrContext } from "./context.ts";

export interface RegistryRequest extends Refused {
  /** The path on the registry, with its query. */
  readonly path: string;
  readonly method: "GET" | "POST" | "DELETE";
  readonly authorization?: string;
  /**
   * Sent as a form, together with the name of the registry (`service`), which every request for a token has. A list is sent
   * as several fields of one name. It may hold secrets, so it goes to this path and nowhere else.
   */
  readonly form?: Readonly<Record<string, string | readonly string[]>>;
  /** The statuses that the caller handles. For any other status, an error is thrown. */
  readonly expect: readonly number[];
}

export interface RegistryAnswer {
  readonly status: number;
  readonly headers: Pick<Headers, "get">;
  /** Undefined if the body is not JSON. */
  readonly json: unknown;
}

/** The URL of the registry. `ALIEN_ACR_ENDPOINT` is another URL for it, such as an emulator's. */
export function registryUrl(loginServer: string, env: Environment): string {
  return env.ALIEN_ACR_ENDPOINT?.replace(/\/+$/, "") || `https://${loginServer}`;
}

/** Sends one request to the registry. */
export async function requestRegistry(
  { http, loginServer, env }: Pick<AcrContext, "http" | "loginServer" | "env">,
  call: Call,
  request: RegistryRequest,
): Promise<RegistryAnswer> {
  const service = await loginServer(call);
  const form = request.form && encode({ service, ...request.form });
  return call.upstream(request.what, async (signal) => {
    try {
      return await send(http, `${registryUrl(service, env)}${request.path}`, form, request, signal);
    } catch (error) {
      signal.throwIfAborted();
      throw translateRegistryError(error, request);
    }
  });
}

function encode(form: Readonly<Record<string, string | readonly string[]>>): string {
  const fields = Object.entries(form).flatMap(([name, value]) =>
    [value].flat().map((each): [string, string] => [name, each]),
  );
  return new URLSearchParams(fields).toString();
}

async function send(
  http: HttpClient,
  url: string,
  form: string | undefined,
  { what, method, authorization, expect }: RegistryRequest,
  signal: AbortSignal,
): Promise<RegistryAnswer> {
  const headers = {
    accept: "application/json",
    ...(form !== undefined && { "content-type": "application/x-www-form-urlencoded;charset=UTF-8" }),
    ...(authorization !== undefined && { authorization }),
  };
  // The client follows no redirect, which would carry the form's secrets to another place.
  const answer = await http.request(url, { method, headers, body: form, signal }).catch((cause: unknown) => {
    throw new OciError(0, "NETWORK", `${what}: no answer, or one that was cut off`, { cause });
  });
  const { status } = answer;
  const answered = headersOf(answer);
  // We read the registry's message only to tell refusals apart. Callers never see it.
  if (!expect.includes(status)) {
    throw await errorFrom({ status, headers: answered, body: whole(answer.body) }, what, (text) => text);
  }
  return { status, headers: answered, json: jsonOf(answer) };
}

/** @returns the member of an answer if it is a string that is not empty */
export function textIn(json: unknown, name: string): string | undefined {
  if (typeof json !== "object" || json === null) return undefined;
  const value: unknown = Reflect.get(json, name);
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** Whether a list goes on: the registry then links its next page, which is the one after the last item of this page. */
export function tellsNext(headers: RegistryAnswer["headers"]): boolean {
  return /rel="?next/i.test(headers.get("link") ?? "");
}
