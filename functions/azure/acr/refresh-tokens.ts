import type { Call } from "../../../core/call.ts";
import { createSingleFlight } from "../../../core/once.ts";
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

/**
 * Keeps the refresh token of one registry and one identity, and lets everybody who needs a new one at the same time
 * wait for a single exchange.
 */
export function createRefreshTokens(exchange: (call: Call) => Promise<RefreshToken>): RefreshTokens {
  let kept: RefreshToken | undefined;
  const exchanges = createSingleFlight<RefreshToken>("The exchange with the registry");

  const renew = async (call: Call): Promise<RefreshToken> => {
    const made = await exchange(call);
    kept = made.expiresAt === undefined ? undefined : made;
    return made;
  };

  return {
    async get(call) {
      const endsAt = kept?.expiresAt?.getTime() ?? 0;
      if (kept !== undefined && endsAt - marginMs > call.now().getTime()) return { token: kept.token, fresh: false };
      const { token } = await exchanges("refresh token", call.signal, () => renew(call));
      return { token, fresh: true };
    },
    drop(token) {
      if (kept?.token === token) kept = undefined;
    },
  };
}
