/** The answers of the registry: its errors, and the headers that all answers have. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { errnoOf, isDiskFull } from "../files.ts";
import type { Refusal } from "../http/server.ts";
import { ClientGone, NoMemoryLeft } from "./bodies.ts";
import { DataFolderError } from "./store/folder-lock.ts";

/** The codes of the specification ("Error Codes"), and codes of ours where it has none. */
export type ErrorCode =
  | "BLOB_UNKNOWN"
  | "BLOB_UPLOAD_INVALID"
  | "BLOB_UPLOAD_UNKNOWN"
  | "DIGEST_INVALID"
  | "MANIFEST_BLOB_UNKNOWN"
  | "MANIFEST_INVALID"
  | "MANIFEST_UNKNOWN"
  | "NAME_INVALID"
  | "NAME_UNKNOWN"
  | "PAGINATION_NUMBER_INVALID"
  | "SIZE_INVALID"
  | "TAG_INVALID"
  | "UNAUTHORIZED"
  | "DENIED"
  | "UNSUPPORTED"
  | "TOOMANYREQUESTS"
  | "DISK_FULL"
  | "DISK_FAULT"
  | "READ_ONLY"
  | "TOO_MANY_FILES"
  | "UNAVAILABLE"
  | "UNKNOWN";

/** An error that becomes the answer: its HTTP status, its code, and a message for people. */
export class OciError extends Error {
  readonly status: number;
  readonly code: ErrorCode;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: ErrorCode, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.name = "OciError";
    this.status = status;
    this.code = code;
    this.headers = headers;
  }

  /** The body of the answer, in the specification's JSON form. */
  body(): string {
    return JSON.stringify({ errors: [{ code: this.code, message: this.message }] });
  }
}

/** What the system answers where the disk is broken, or the registry may not use what is on it. */
const diskFaults = new Set(["EIO", "EUCLEAN", "ENODEV", "ENXIO", "ESTALE", "EACCES", "EPERM"]);

/** The answer to whoever would change something on a disk that is read-only. */
export function readOnly(): OciError {
  const message = "The registry's disk is read-only: it serves pulls, and takes no pushes and no deletions.";
  return new OciError(503, "READ_ONLY", message);
}

/**
 * Returns the answer for any error: the status 507 for a full disk, 503 for what a client should try again, and 500 for
 * everything unexpected, about which it tells the client nothing.
 */
export function toOciError(error: unknown): OciError {
  if (error instanceof OciError) return error;
  if (error instanceof ClientGone) return new OciError(400, "SIZE_INVALID", error.message);
  if (error instanceof NoMemoryLeft) {
    // The connection ends, since the rest of the body is not wanted any more.
    return new OciError(503, "UNAVAILABLE", error.message, { "Retry-After": "1", Connection: "close" });
  }
  if (isDiskFull(error)) {
    return new OciError(
      507,
      "DISK_FULL",
      "The registry's disk is full, and nothing was stored. Free space, then push again.",
    );
  }
  const code = errnoOf(error);
  if (code === "EROFS" || (error instanceof DataFolderError && error.code === "READ_ONLY")) return readOnly();
  if (error instanceof DataFolderError) {
    return new OciError(503, "UNAVAILABLE", "Another registry has taken over this registry's data folder.");
  }
  if (code === "EMFILE" || code === "ENFILE") {
    return new OciError(503, "TOO_MANY_FILES", "The registry has too many files open. Try again later.", {
      "Retry-After": "1",
    });
  }
  if (code !== undefined && diskFaults.has(code)) {
    return new OciError(500, "DISK_FAULT", `The registry's disk answered ${code}. The registry's log says more.`);
  }
  return new OciError(500, "UNKNOWN", "The registry failed to answer. Its log says why.");
}

type Headers = Readonly<Record<string, string | number>>;

const apiVersion = { "Docker-Distribution-Api-Version": "registry/2.0" };

/** Sends the status and the headers of an answer. The caller sends the body. */
export function start(res: ServerResponse, status: number, headers: Headers): void {
  res.writeHead(status, { ...apiVersion, ...headers });
}

/**
 * Sends an answer, with the length of its body. If the request is a HEAD, Node sends only the headers.
 *
 * @throws TypeError if a header holds a character that cannot be sent
 */
export function send(res: ServerResponse, status: number, headers: Headers, body: string | Buffer = ""): void {
  const length = typeof body === "string" ? Buffer.byteLength(body) : body.length;
  res.writeHead(status, { ...apiVersion, ...headers, ...(status === 204 ? {} : { "Content-Length": length }) });
  res.end(body);
}

/**
 * Answers 304 if the client names what it has by `If-None-Match`, and that has not changed (RFC 9110, 13.1.2). Returns whether it
 * did.
 *
 * @param headers those of the whole answer; their `ETag` is compared, and they go out without those of a body
 */
export function sendNotModified(
  { req, res }: { readonly req: IncomingMessage; readonly res: ServerResponse },
  { "Content-Type": _, ...headers }: Headers & { readonly ETag: string },
): boolean {
  const named = req.headers["if-none-match"]?.split(",").map((tag) => tag.trim().replace(/^W\//, "")) ?? [];
  if (!named.includes("*") && !named.includes(headers.ETag)) return false;
  start(res, 304, headers);
  res.end();
  return true;
}

/** Sends an answer whose body is `value` as JSON. */
export function sendJson(res: ServerResponse, status: number, value: unknown, headers: Headers = {}): void {
  send(res, status, { "Content-Type": "application/json", ...headers }, JSON.stringify(value));
}

/**
 * Sends an error in the form of the specification ("Error Codes"). If an answer has begun already, it ends the connection
 * instead.
 */
export function sendError(res: ServerResponse, error: OciError): void {
  if (res.headersSent) {
    res.destroy();
    return;
  }
  send(res, error.status, { "Content-Type": "application/json", ...error.headers }, error.body());
}

/** Returns the answer for bytes that never became a request, in the specification's form. `status` is 400 or above. */
export function refusal(status: number, message: string): Refusal {
  const busy = status === 503;
  const error = new OciError(status, busy ? "UNAVAILABLE" : status < 500 ? "UNSUPPORTED" : "UNKNOWN", message);
  const retry = busy ? { "Retry-After": "1" } : {};
  return { headers: { ...apiVersion, ...retry, "Content-Type": "application/json" }, body: error.body() };
}
