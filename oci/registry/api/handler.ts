import type { IncomingMessage, ServerResponse } from "node:http";
import type { Caller } from "../auth/authorize.ts";
import type { Budget } from "../bodies.ts";
import { OciError } from "../respond.ts";
import { type Digest, parseDigest, type RepositoryName } from "../store/names.ts";
import type { Store } from "../store/store.ts";
import type { Uploads } from "./upload-sessions.ts";

/** What the handlers of one registry share. */
export interface Services {
  readonly store: Store;
  readonly uploads: Uploads;
  readonly sending: Budget;
  readonly receiving: Budget;
}

/** One request, authenticated and authorised, on one repository. */
export interface HandlerRequest {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly query: URLSearchParams;
  readonly caller: Caller;
  readonly name: RepositoryName;
  /** The digest, tag or upload id that the path ends with. */
  readonly tail: string;
}

export type Handler = (services: Services, call: HandlerRequest) => Promise<void>;

/**
 * Reads the digest in a path or a parameter.
 *
 * @throws OciError 400 `DIGEST_INVALID`
 */
export function requireDigest(text: string | null): Digest {
  const digest = parseDigest(text ?? "");
  if (digest === undefined) {
    throw new OciError(400, "DIGEST_INVALID", "The digest must be sha256: or sha512: and its lower-case hex.");
  }
  return digest;
}
