import { type Call, race } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { Secret } from "../../../core/secret.ts";

/** A registry's refresh token. It carries all that the function's identity may do there, and never leaves the function. */
export interface RefreshToken {
  readonly token: Secret;
  /** Absent where it does not tell: then it is used once. */
  readonly expiresAt?: Date;
}

export interface RefreshTokens {
  /** @returns the token, and whether it was made for this call */
  get(call: Call): Promise<{ readonly token: Secret; readonly fresh: boolean }>;
  /** Keeps it for nobody any longer: it was refused, or does not know of a new role yet. */
  drop(token: Secret): void;
}

/** Milliseconds before its end from which on a token is not used any more: the request that carries it takes time too. */
const marginMs = 5 * 60_000;

interface Flight {
  readonly made: Promise<RefreshToken>;
  readonly signal: AbortSignal;
}

/**
 * Keeps the refresh token of one registry and one identity, and lets everybody who needs a new one at the same time
 * wait for a single exchange.
 */
export function createRefreshTokens(exchange: (call: Call) => Promise<RefreshToken>): RefreshTokens {
  let kept: RefreshToken | undefined;
  let flight: Flight | undefined;

  const begin = (call: Call): Flight => {
    const made = exchange(call).then((token) => {
      kept = token.expiresAt === undefined ? undefined : token;
      return token;
    });
    const begun = { made, signal: call.signal };
    const end = () => {
      if (flight === begun) flight = undefined;
    };
    made.then(end, end);
    return begun;
  };

  const get: RefreshTokens["get"] = async (call) => {
    const endsAt = kept?.expiresAt?.getTime() ?? 0;
    if (kept !== undefined && endsAt - marginMs > call.now().getTime()) return { token: kept.token, fresh: false };
    const joined = flight;
    if (joined === undefined) {
      flight = begin(call);
      return { token: (await flight.made).token, fresh: true };
    }
    try {
      return { token: (await race(joined.made, call.signal)).token, fresh: true };
    } catch (error) {
      if (call.signal.aborted && !(error instanceof ArtifactRegistryError)) throw tooLate(error);
      // Whoever began has gone away; that is no reason to refuse the others.
      if (joined.signal.aborted && !call.signal.aborted) return get(call);
      throw error;
    }
  };

  return {
    get,
    drop(token) {
      if (kept?.token === token) kept = undefined;
    },
  };
}

function tooLate(cause: unknown): ArtifactRegistryError {
  return new ArtifactRegistryError("TIMEOUT", "The exchange with the registry did not end in time.", {
    retryable: true,
    cause,
  });
}
