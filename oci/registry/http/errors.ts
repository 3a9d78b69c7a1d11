import { DataFolderError } from "../store/folder-lock.ts";
import { errnoOf, isDiskFull } from "../store/fs.ts";
import { ClientGone } from "../stream/receive.ts";

/** The codes of the specification ("Error Codes"), and three for what it has none. */
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
  | "UNAVAILABLE"
  | "UNKNOWN";

/** An answer that is an error: its status, the specification's code, and a message for people. */
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

  /** The specification's JSON form. */
  body(): string {
    return JSON.stringify({ errors: [{ code: this.code, message: this.message }] });
  }
}

/** The answer for whatever went wrong. An error that nobody expected says nothing of itself to the client. */
export function toOciError(error: unknown): OciError {
  if (error instanceof OciError) return error;
  if (error instanceof ClientGone) return new OciError(400, "SIZE_INVALID", error.message);
  if (isDiskFull(error)) {
    return new OciError(
      507,
      "DISK_FULL",
      "The registry's disk is full: nothing was stored. Free space, then push again.",
    );
  }
  if (error instanceof DataFolderError) {
    return new OciError(503, "UNAVAILABLE", "The registry's data folder is another registry's now.");
  }
  const code = errnoOf(error);
  if (code === "EMFILE" || code === "ENFILE") {
    return new OciError(503, "UNAVAILABLE", "The registry has too many files open. Try again later.", {
      "Retry-After": "1",
    });
  }
  return new OciError(500, "UNKNOWN", "The registry failed to answer. Its log tells why.");
}
