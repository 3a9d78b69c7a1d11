import type { Call } from "../../../core/call.ts";
import { createSingleFlight } from "../../../core/credential-cache.ts";
import { Secret } from "../../../core/secret.ts";
import { unexpected } from "../errors.ts";
import type { AcrContext, RefreshTokens } from "./context.ts";
import { missingRoles, readAcrClaims } from "./credentials.ts";
import { requestRegistry, textIn } from "./http.ts";

/** A refresh token of the registry. It carries everything that the function's identity may do there, and never leaves us. */
export interface RefreshToken {
  readonly token: Secret;
  /** Absent if the token does not tell. Then it is used once. */
  readonly expiresAt?: Date;
}

/** A token is not used in the last milliseconds of its life, because the request that carries it takes time, too. */
const marginMs = 5 * 60_000;

/**
 * Keeps the refresh token of one registry and one identity. Everybody who needs a new one at the same time waits for a
 * single exchange.
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
    isKept: (token) => kept?.token === token,
  };
}

/** Registries of both modes accept this audience. The one of Azure Resource Manager can be switched off. */
const scope = "https://containerregistry.azure.net/.default";
const what = "ACR token exchange";

/**
 * Exchanges the identity's Entra token for a refresh token of the registry (Azure/acr, AAD-OAuth).
 *
 * @throws ACCESS_DENIED where the identity has no role on the registry at all
 */
export async function exchangeIdentity(
  context: Pick<AcrContext, "identity" | "env" | "http" | "loginServer">,
  call: Call,
): Promise<RefreshToken> {
  // This comes first, so that a registry that does not exist is reported as such.
  await context.loginServer(call);
  const entra = await call.upstream("Managed identity token", (abortSignal) =>
    context.identity.getToken(scope, { abortSignal }),
  );
  const { json } = await requestRegistry(context, call, {
    what,
    hint: missingRoles(["pull", "push"]),
    path: "/oauth2/exchange",
    method: "POST",
    form: { grant_type: "access_token", access_token: entra.token },
    expect: [200],
  });
  const token = textIn(json, "refresh_token");
  if (token === undefined) throw unexpected(what);
  const expiresAt = readAcrClaims(token)?.expiresAt;
  return { token: new Secret(token), ...(expiresAt && { expiresAt }) };
}
