import { readFile } from "node:fs/promises";
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";

/** What a server inside a private network asks of those who call it. Files are read anew for each request: they rotate. */
export interface PrivateFiles {
  /** PEM file of the CAs to trust, instead of those that Node brings. */
  readonly caFile?: string | undefined;
  /** File of a token to send as `Authorization: Bearer`. */
  readonly tokenFile?: string | undefined;
}

export interface PrivateRequest {
  readonly method?: string;
  readonly headers?: Headers | Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal;
}

export type PrivateFetch = (url: string | URL, init?: PrivateRequest) => Promise<Response>;

/** Bytes of an answer: key sets, tokens and secrets are far smaller. */
const answerAtMost = 2 * 1024 * 1024;

/**
 * `fetch` for small answers of servers with a CA or a token of their own, which the global one cannot be given. Follows
 * no redirect, so that the token goes to the host that was named and nowhere else.
 *
 * @returns a function that throws for files that cannot be read, for no connection, and for an answer that is too large
 */
export function createPrivateFetch({ caFile, tokenFile }: PrivateFiles): PrivateFetch {
  return async (target, { method = "GET", headers = {}, body, signal } = {}) => {
    const url = new URL(target);
    const ca = caFile === undefined ? undefined : await readFile(caFile, "utf8");
    const sent = new Headers(headers);
    if (tokenFile !== undefined) sent.set("authorization", `Bearer ${(await readFile(tokenFile, "utf8")).trim()}`);
    const options = {
      method,
      headers: { ...Object.fromEntries(sent), "content-length": String(Buffer.byteLength(body ?? "")) },
      // A connection of its own: one that was kept would outlive the CA that it was opened with.
      agent: false,
      ...(signal && { signal }),
    } as const;
    return new Promise((resolve, reject) => {
      const request =
        url.protocol === "https:"
          ? requestHttps(url, { ...options, ...(ca !== undefined && { ca }) })
          : requestHttp(url, options);
      request.once("error", reject);
      request.once("response", (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.once("error", reject);
        response.on("data", (chunk: Buffer) => {
          size += chunk.length;
          if (size > answerAtMost) response.destroy(new Error(`${url.host} answered more than ${answerAtMost} bytes`));
          else chunks.push(chunk);
        });
        response.once("end", () => resolve(toResponse(response.statusCode ?? 0, response.headers, chunks)));
      });
      request.end(body);
    });
  };
}

function toResponse(
  status: number,
  headers: Readonly<Record<string, string | string[] | undefined>>,
  chunks: readonly Buffer[],
): Response {
  const kept = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    for (const each of [value ?? []].flat()) kept.append(name, each);
  }
  // A Response must not be given a body with these (Fetch standard, "null body status").
  const bare = status === 204 || status === 205 || status === 304;
  return new Response(bare ? null : Buffer.concat(chunks), { status, headers: kept });
}
