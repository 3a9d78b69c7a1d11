/** Codes this client adds to those of the distribution specification (`BLOB_UNKNOWN`, `DENIED`, …). */
export type ClientCode =
  | "NETWORK"
  | "DIGEST_MISMATCH"
  | "UNEXPECTED_RESPONSE"
  | "REDIRECT_REFUSED"
  | "REALM_REFUSED"
  | "UNAUTHORIZED";

/** What a registry refused, or what was wrong with its answer. Messages never hold a secret: see `Redactor`. */
export class OciError extends Error {
  override readonly name = "OciError";
  /** The HTTP status, or 0 where no answer came. */
  readonly status: number;
  /** The first code of the registry's error document, a `ClientCode`, or `HTTP_<status>`. */
  readonly code: ClientCode | (string & {});
  readonly retryAfterSeconds?: number;

  constructor(
    status: number,
    code: ClientCode | (string & {}),
    message: string,
    options: { cause?: unknown; retryAfterSeconds?: number | undefined } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.status = status;
    this.code = code;
    if (options.retryAfterSeconds !== undefined) this.retryAfterSeconds = options.retryAfterSeconds;
  }

  toJSON(): { name: string; status: number; code: string; message: string; retryAfterSeconds?: number } {
    const { name, status, code, message, retryAfterSeconds } = this;
    return { name, status, code, message, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) };
  }
}

/**
 * Seconds to wait, from a `Retry-After` header in either of its forms (RFC 9110, 10.2.3); never negative.
 * @param now milliseconds since the epoch, for the date form
 */
export function retryAfterSeconds(header: string | null, now: number = Date.now()): number | undefined {
  if (header === null) return undefined;
  if (/^\s*\d{1,9}\s*$/.test(header)) return Number(header);
  // All three date forms begin with a weekday; `Date.parse` alone would read "-1" as a year.
  const at = /^\s*[A-Z][a-z]{2}/.test(header) ? Date.parse(header) : Number.NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, Math.ceil((at - now) / 1000));
}

const maxErrorBytes = 16 * 1024;

/** Reads a refusal into an `OciError`. `what` names the request without its query, which may carry a signature. */
export async function errorFrom(response: Response, what: string, redact: (text: string) => string): Promise<OciError> {
  const first = firstError(await readSome(response));
  const code = first.code ?? (response.status === 401 ? "UNAUTHORIZED" : `HTTP_${response.status}`);
  const said = first.message === undefined ? "" : `: ${first.message.slice(0, 500)}`;
  return new OciError(response.status, redact(code), redact(`${what}: ${response.status} ${code}${said}`), {
    retryAfterSeconds: retryAfterSeconds(response.headers.get("retry-after")),
  });
}

async function readSome(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of response.body ?? []) {
      chunks.push(chunk);
      size += chunk.byteLength;
      if (size >= maxErrorBytes) break;
    }
  } catch {
    // The status line already says what happened; a cut body adds nothing.
  }
  return Buffer.concat(chunks).subarray(0, maxErrorBytes).toString("utf8");
}

function firstError(text: string): { code?: string; message?: string } {
  try {
    const errors: unknown = JSON.parse(text)?.errors;
    const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
    if (typeof first !== "object" || first === null) return {};
    return {
      ...("code" in first && typeof first.code === "string" ? { code: first.code } : {}),
      ...("message" in first && typeof first.message === "string" ? { message: first.message } : {}),
    };
  } catch {
    return {};
  }
}

/** Replaces secrets that a registry might echo. Short values are left alone: they would tear ordinary words apart. */
export class Redactor {
  readonly #secrets = new Set<string>();

  /** Remembers a password or token; returns it, so that the call fits where the value is used. */
  learn(secret: string): string {
    if (secret.length >= 4) this.#secrets.add(secret);
    return secret;
  }

  forget(secret: string): void {
    this.#secrets.delete(secret);
  }

  readonly clean = (text: string): string => {
    let cleaned = text;
    for (const secret of this.#secrets) cleaned = cleaned.replaceAll(secret, "[redacted]");
    return cleaned;
  };
}
