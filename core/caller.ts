/**
 * Who calls: always a pair, never a bare string, so that the right subject from the wrong issuer is somebody else.
 * Platforms are issuers too: `aws`, `gcp`, `azure`; an OIDC issuer is its URL; doors without a caller are `door`.
 */
export interface Caller {
  readonly issuer: string;
  readonly subject: string;
}

/** The caller for whom the door itself speaks: `door:invoke`, `door:events`, `door:provision`. */
export function doorCaller(door: string): Caller {
  return { issuer: "door", subject: door };
}

/** An unambiguous key for maps: neither part can spill into the other. */
export function callerKey(caller: Caller): string {
  return JSON.stringify([caller.issuer, caller.subject]);
}
