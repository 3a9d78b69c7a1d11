/**
 * Who calls. A caller is always a pair, never a bare string: the right subject from the wrong issuer is somebody else.
 * Platforms are issuers too (`aws`, `gcp`, `azure`), an OIDC issuer is its URL, and doors without callers are `door`.
 */
export interface Caller {
  readonly issuer: string;
  readonly subject: string;
}

/** A caller whom a door let in. */
export interface AuthenticatedCaller extends Caller {
  /** What else the verified token says, where there was one. It is no part of who the caller is, but rules may ask for it. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** The platforms as issuers, the doors that tell no callers apart, and the gateway for its consumers. */
export const platformIssuers = ["aws", "gcp", "azure", "door", "gateway"] as const;

/** Whether a text is the URL of an issuer: https, or http on the loopback, where nobody else can listen. */
export function isIssuerUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  if (url.protocol === "https:") return true;
  return url.protocol === "http:" && /^(?:127\.0\.0\.1|\[::1\]|localhost)$/.test(url.hostname);
}

/** The issuer of callers whom nobody can tell apart. */
export const doorIssuer = "door";

/** The one caller of a door that tells no callers apart: `door:invoke`, `door:events`, `door:provision`. */
export function doorCaller(door: string): Caller {
  return { issuer: doorIssuer, subject: door };
}
