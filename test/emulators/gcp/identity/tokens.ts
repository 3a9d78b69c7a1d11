import { randomBytes } from "node:crypto";
import type { CallRecord } from "../call.ts";
import { insufficientScope, unauthenticated } from "../errors.ts";
import type { Directory } from "./directory.ts";

export const CLOUD_PLATFORM = "https://www.googleapis.com/auth/cloud-platform";

/** Narrower scopes that an API takes too. */
const NARROWER: Readonly<Record<string, readonly string[]>> = {
  "iam.googleapis.com": ["https://www.googleapis.com/auth/iam"],
  "iamcredentials.googleapis.com": ["https://www.googleapis.com/auth/iam"],
  "pubsub.googleapis.com": ["https://www.googleapis.com/auth/pubsub"],
};
const READ_ONLY = "https://www.googleapis.com/auth/cloud-platform.read-only";

/** @throws PERMISSION_DENIED where none of the token's scopes is one that the API takes */
export function checkScopes({ scopes }: Caller, service: string, reads: boolean): void {
  const enough = [CLOUD_PLATFORM, ...(NARROWER[service] ?? []), ...(reads ? [READ_ONLY] : [])];
  if (!enough.some((scope) => scopes.includes(scope))) throw insufficientScope(service);
}

/** Who calls, and what the token lets them ask for. */
export interface Caller {
  readonly email: string;
  /** As policies name it. */
  readonly member: string;
  readonly scopes: readonly string[];
  readonly expiresAt: Date;
  /** Of the service account: a token of a deleted one is worth nothing, also when the name is taken again. */
  readonly uniqueId: string | undefined;
  /** The clock by which the token ends. */
  readonly clock: () => Date;
}

/**
 * Notes who calls before anything goes wrong, so that faults and hooks can be for one caller.
 *
 * @returns the caller, or throws why there is none, when the call is served
 */
export function identify(record: CallRecord, authenticated: () => Caller): () => Caller {
  try {
    const caller = authenticated();
    record.principal = caller.email;
    return () => caller;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

export interface NewToken {
  readonly token: string;
  readonly expiresAt: Date;
}

/** Access tokens that the emulator has given out. */
export class Tokens {
  readonly #directory: Directory;
  readonly #clock: () => Date;
  readonly #tokens = new Map<string, Caller>();

  constructor(directory: Directory, clock: () => Date) {
    this.#directory = directory;
    this.#clock = clock;
  }

  /** A token for a service account, or for a user where no account has this e-mail. */
  mint(email: string, seconds: number, scopes: readonly string[] = [CLOUD_PLATFORM], clock = this.#clock): NewToken {
    const account = this.#directory.account(email);
    // In whole seconds, as it is told.
    const expiresAt = new Date(Math.floor(clock().getTime() / 1000 + seconds) * 1000);
    const member = `${account === undefined ? "user" : "serviceAccount"}:${email}`;
    return {
      token: this.exchange({ email, member, scopes, expiresAt, uniqueId: account?.uniqueId, clock }),
      expiresAt,
    };
  }

  /** Every token that was given out, for those who search for them. */
  all(): readonly string[] {
    return [...this.#tokens.keys()];
  }

  /** Another token for the same caller. */
  exchange(caller: Caller): string {
    const token = `emulated.${randomBytes(24).toString("base64url")}`;
    this.#tokens.set(token, caller);
    return token;
  }

  /** @throws UNAUTHENTICATED for a token that nobody gave out, that has expired, or whose account is gone */
  check(token: string, service: string): Caller {
    const found = this.#tokens.get(token);
    if (found === undefined) throw unauthenticated("ACCESS_TOKEN_TYPE_UNSUPPORTED", service);
    const gone = found.uniqueId !== undefined && this.#directory.account(found.email)?.uniqueId !== found.uniqueId;
    if (gone || found.expiresAt <= found.clock()) throw unauthenticated("ACCESS_TOKEN_EXPIRED", service);
    return found;
  }

  /** The caller of an API by its `Authorization` header. */
  bearer(header: string | undefined, service: string): Caller {
    const [, token] = /^Bearer +(\S+)$/i.exec(header?.trim() ?? "") ?? [];
    if (token === undefined) throw unauthenticated("CREDENTIALS_MISSING", service);
    return this.check(token, service);
  }
}
