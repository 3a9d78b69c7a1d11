import type { ServerResponse } from "node:http";
import type { Refusal } from "../../http/server.ts";
import { OciError } from "./errors.ts";

type Headers = Readonly<Record<string, string | number>>;

const apiVersion = { "Docker-Distribution-Api-Version": "registry/2.0" };

/** Starts an answer whose body the caller sends. */
export function start(res: ServerResponse, status: number, headers: Headers): void {
  res.writeHead(status, { ...apiVersion, ...headers });
}

/** An answer with a body that is at hand; of a HEAD request Node sends only the headers. */
export function send(res: ServerResponse, status: number, headers: Headers, body: string | Buffer = ""): void {
  const length = typeof body === "string" ? Buffer.byteLength(body) : body.length;
  res.writeHead(status, { ...apiVersion, ...headers, ...(status === 204 ? {} : { "Content-Length": length }) });
  res.end(body);
}

/** A JSON answer. */
export function sendJson(res: ServerResponse, status: number, value: unknown, headers: Headers = {}): void {
  send(res, status, { "Content-Type": "application/json", ...headers }, JSON.stringify(value));
}

/** An error in the specification's form; where the answer has begun already, all that is left is to break it off. */
export function sendError(res: ServerResponse, error: OciError): void {
  if (res.headersSent) {
    res.destroy();
    return;
  }
  send(res, error.status, { "Content-Type": "application/json", ...error.headers }, error.body());
}

/** The specification's error for bytes that never became a request: the headers and the body of an answer. */
export function refusal(status: number, message: string): Refusal {
  const error = new OciError(status, status < 500 ? "UNSUPPORTED" : "UNKNOWN", message);
  return { headers: { ...apiVersion, "Content-Type": "application/json" }, body: error.body() };
}
