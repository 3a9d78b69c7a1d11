import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { decodeClaims } from "../../../core/token-claims.ts";
import type { AcrContext } from "../acr/context.ts";
import { resourceManager } from "../place.ts";
import { isGuid, wrong } from "./settings.ts";

const variable = "ALIEN_FUNCTION_PRINCIPAL_IDS";
const expected = "the object ids of the identities of the functions that serve the registry, separated by commas";

/** The identities that work on the registry. */
export interface Functions {
  readonly principals: readonly string[];
  /** Whether somebody said that these are all. */
  readonly listed: boolean;
}

/**
 * The identities that work on the registry: those that `ALIEN_FUNCTION_PRINCIPAL_IDS` lists by their object ids, separated
 * by commas, or this function's own.
 *
 * @throws BINDING_CONFIG_INVALID
 */
export async function functionPrincipals(context: AcrContext, call: Call): Promise<Functions> {
  const listed = (context.env[variable] ?? "").split(",").flatMap((id) => id.trim().toLowerCase() || []);
  if (!listed.every(isGuid)) throw wrong(variable, expected);
  if (listed.length > 0) return { principals: [...new Set(listed)], listed: true };
  return { principals: [await ownPrincipal(context, call)], listed: false };
}

/** Nobody tells a function its own object id but the token that it gets. */
async function ownPrincipal({ identity, binding, env }: AcrContext, call: Call): Promise<string> {
  const { scope } = resourceManager(binding.loginServer, env);
  const { token } = await call.upstream("Managed identity token", (abortSignal) =>
    identity.getToken(scope, { abortSignal }),
  );
  const id = decodeClaims(token)?.oid;
  if (typeof id === "string" && isGuid(id)) return id.toLowerCase();
  throw new ArtifactRegistryError("BINDING_CONFIG_INVALID", "The function's token does not say whose it is.", {
    hint: `Set ${variable} to ${expected}.`,
    context: { variable },
  });
}
