import type { Call } from "../../../core/call.ts";
import { Secret } from "../../../core/secret.ts";
import { unexpected } from "../errors.ts";
import { registryUrl } from "../place.ts";
import { readAcrClaims } from "./access-token.ts";
import type { AcrContext } from "./context.ts";
import { askRegistry, textOf } from "./http.ts";
import type { RefreshToken } from "./refresh-tokens.ts";
import { missingRoles } from "./roles.ts";

/** Registries of both modes take tokens for this audience; those for Azure Resource Manager can be switched off. */
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
  const { identity, env, loginServer } = context;
  const service = await loginServer(call);
  const entra = await call.upstream("Managed identity token", (abortSignal) =>
    identity.getToken(scope, { abortSignal }),
  );
  const { json } = await askRegistry(context, call, {
    what,
    hint: missingRoles(["pull", "push"]),
    url: `${registryUrl(service, env)}/oauth2/exchange`,
    method: "POST",
    form: { grant_type: "access_token", service, access_token: entra.token },
    expect: [200],
  });
  const token = textOf(json, "refresh_token");
  if (token === undefined) throw unexpected(what);
  const expiresAt = readAcrClaims(token)?.expiresAt;
  return { token: new Secret(token), ...(expiresAt && { expiresAt }) };
}
