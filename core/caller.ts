/**
 * Who calls. A caller is always a pair, never a bare string: the right subject from the wrong issuer is somebody else.
 * Platforms are issuers too (`aws`, `gcp`, `azure`), an OIDC issuer is its URL, and doors without callers are `door`.
 */
export interface Caller {
  readonly issuer: string;
  readonly subject: string;
}

/** The one caller of a door that tells no callers apart: `door:invoke`, `door:events`, `door:provision`. */
export function doorCaller(door: string): Caller {
  return { issuer: "door", subject: door };
}
