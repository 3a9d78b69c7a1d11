import { Agent, type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from "node:http";
import { request as secureRequest } from "node:https";

export type Answer = {
  readonly method: string;
  readonly url: string;
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
};

export type Ask = {
  readonly headers?: OutgoingHttpHeaders;
  /** Sent with its length. */
  readonly body?: Buffer | string;
  /** Sent with `Transfer-Encoding: chunked` instead, piece by piece. */
  readonly stream?: readonly Buffer[];
};

const TIME_LIMIT_MS = 300_000;
const agent = new Agent({ keepAlive: true, maxSockets: 8 });

/** One request over a real socket, exactly as written: nothing is followed, added, normalised or decoded. */
export function send(method: string, url: string, { headers = {}, body, stream }: Ask = {}): Promise<Answer> {
  const [, scheme, host, port, path = "/"] = /^(https?):\/\/(\[[^\]]+\]|[^:/]+)(?::(\d+))?(\/.*)?$/.exec(url) ?? [];
  if (host === undefined) return Promise.reject(new Error(`${url} is not an address`));
  const sized = stream === undefined && (body !== undefined || ["POST", "PUT", "PATCH"].includes(method));
  const framing = sized ? { "Content-Length": Buffer.byteLength(body ?? "") } : {};
  return new Promise((resolve, reject) => {
    const options = { host: host.replace(/[[\]]/g, ""), port, path, method, headers: { ...framing, ...headers } };
    let answered = false;
    const req =
      scheme === "https"
        ? secureRequest({ ...options, timeout: TIME_LIMIT_MS })
        : request({ ...options, agent, timeout: TIME_LIMIT_MS });
    req.on("response", (res) => {
      answered = true;
      const chunks: Buffer[] = [];
      res.on("data", (chunk: Buffer) => chunks.push(chunk));
      res.on("error", reject);
      res.on("end", () => {
        const { statusCode: status = 0, headers: received } = res;
        resolve({ method, url, status, headers: received, body: Buffer.concat(chunks) });
      });
    });
    req.on("timeout", () => req.destroy(new Error(`no answer in ${TIME_LIMIT_MS} ms`)));
    // A registry may answer, and hang up, before it has read all that it does not want.
    req.on("error", (error) => (answered ? undefined : reject(error)));
    for (const piece of stream ?? []) req.write(piece);
    req.end(body);
  });
}
