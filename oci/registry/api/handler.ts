/**
 * What all handlers have in common. Each names the part of the distribution specification that it implements: its number in
 * the table "Endpoints", such as `end-2`, and its section.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { BodyMemory } from "../../http/bounds.ts";
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
  readonly manifests: BodyMemory;
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

/** Answers one kind of request. @throws OciError, or any other error; it becomes the answer */
export type Handler = (services: Services, call: HandlerRequest) => Promise<void>;

/**
 * Reads the digest in a path or a parameter.
 *
 * @throws OciError 400 `DIGEST_INVALID` if there is none, or it is not a sha256 or sha512 digest
 */
export function requireDigest(text: string | null): Digest {
  const digest = parseDigest(text ?? "");
  if (digest === undefined) {
    throw new OciError(400, "DIGEST_INVALID", "A digest is sha256: or sha512:, and then the hash in lower-case hex.");
  }
  return digest;
}
