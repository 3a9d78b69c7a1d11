/** The codes that this client adds to those of the distribution specification (`BLOB_UNKNOWN`, `DENIED`, …). */
export type ClientCode =
  | "NETWORK"
  | "DIGEST_MISMATCH"
  | "UNEXPECTED_RESPONSE"
  | "REDIRECT_REFUSED"
  | "REALM_REFUSED"
  | "UNAUTHORIZED";

/**
 * A registry refused a request, gave no answer, or gave a wrong one. The message never holds a secret: see {@link Redactor}.
 *
 * @example
 * if (error instanceof OciError && error.status === 404) return undefined;
 */
export class OciError extends Error {
  override readonly name = "OciError";
  /** The HTTP status, or 0 if no answer came. */
  readonly status: number;
  /** The first code in the registry's error document, a {@link ClientCode}, or `HTTP_<status>`. */
  readonly code: ClientCode | (string & {});
  /** The seconds for which the registry asks the client to wait before it tries again. */
  readonly retryAfterSeconds?: number;
  /**
   * Whether the registry's token service had accepted the client's credentials. A 401 of the registry then means that they may not
   * do this (`insufficient_scope`), and not that they are wrong.
   */
  readonly authenticated: boolean;

  constructor(
    status: number,
    code: ClientCode | (string & {}),
    message: string,
    options: { cause?: unknown; retryAfterSeconds?: number | undefined; authenticated?: boolean } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.status = status;
    this.code = code;
    this.authenticated = options.authenticated ?? false;
    if (options.retryAfterSeconds !== undefined) this.retryAfterSeconds = options.retryAfterSeconds;
  }

  /** Returns what a log may show. The cause is left out. */
  toJSON(): { name: string; status: number; code: string; message: string; retryAfterSeconds?: number } {
    const { name, status, code, message, retryAfterSeconds } = this;
    return { name, status, code, message, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) };
  }
}

/**
 * Reads a `Retry-After` header, which holds either seconds or a date (RFC 9110, 10.2.3).
 *
 * @param now milliseconds since the epoch, from which the seconds to a date are counted
 * @returns the seconds to wait, never negative; undefined without a header, and for one that holds something else
 */
export function retryAfterSeconds(header: string | null, now: number = Date.now()): number | undefined {
  if (header === null) return undefined;
  if (/^\s*\d{1,9}\s*$/.test(header)) return Number(header);
  // All three forms of a date begin with a weekday. `Date.parse` alone would read "-1" as a year.
  const at = /^\s*[A-Z][a-z]{2}/.test(header) ? Date.parse(header) : Number.NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, Math.ceil((at - now) / 1000));
}

const maxErrorBytes = 16 * 1024;

/** The part of an answer that tells what is wrong. A `Response` of the Fetch standard has it. */
export interface ErrorAnswer {
  readonly status: number;
  readonly headers: Pick<Headers, "get">;
  readonly body: AsyncIterable<Uint8Array> | null;
}

/**
 * Makes an `OciError` from an answer, with the first error of its body (distribution-spec, "Error Codes"). It never fails:
 * a body that cannot be read only makes the message shorter.
 *
 * @param what the request's method and URL, without the query, which may hold a signature
 * @param redact removes secrets from a text
 * @param authenticated whether a token service had accepted the credentials
 */
export async function errorFrom(
  response: ErrorAnswer,
  what: string,
  redact: (text: string) => string,
  authenticated = false,
): Promise<OciError> {
  const first = firstError(await readSome(response));
  const code = first.code ?? (response.status === 401 ? "UNAUTHORIZED" : `HTTP_${response.status}`);
  const said = first.message === undefined ? "" : `: ${first.message.slice(0, 500)}`;
  return new OciError(response.status, redact(code), redact(`${what}: ${response.status} ${code}${said}`), {
    retryAfterSeconds: retryAfterSeconds(response.headers.get("retry-after")),
    authenticated,
  });
}

async function readSome(response: ErrorAnswer): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of response.body ?? []) {
      chunks.push(chunk);
      size += chunk.byteLength;
      if (size >= maxErrorBytes) break;
    }
  } catch {
    // The status already says what happened. A body that was cut off adds nothing.
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

/**
 * Removes secrets that a registry might repeat in its answers. It does not look for secrets of fewer than four characters,
 * because they would match parts of ordinary words.
 */
export class Redactor {
  readonly #secrets = new Set<string>();

  /** Remembers a password or a token, and returns it. */
  learn(secret: string): string {
    if (secret.length >= 4) this.#secrets.add(secret);
    return secret;
  }

  /** Returns the text with `[redacted]` in the place of every secret. */
  readonly clean = (text: string): string => {
    let cleaned = text;
    for (const secret of this.#secrets) cleaned = cleaned.replaceAll(secret, "[redacted]");
    return cleaned;
  };
}
