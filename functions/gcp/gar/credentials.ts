import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { CredentialRequest, MintedCredentials } from "../../../core/registry.ts";
import { impersonate, tokenSeconds } from "../impersonation.ts";
import type { GarContext } from "./context.ts";

/**
 * Mints credentials: a token of the bound pull or push account, which opens every repository of the registry.
 *
 * @throws BINDING_CONFIG_INVALID where no account is bound: the function's own identity never mints
 */
export async function generateCredentials(
  { binding, identity, env }: GarContext,
  { permissions, ttlSeconds = tokenSeconds.default }: CredentialRequest,
  call: Call,
): Promise<MintedCredentials> {
  const field = permissions === "pull" ? "pullServiceAccountEmail" : "pushServiceAccountEmail";
  const email = binding[field];
  if (email === undefined) {
    throw new ArtifactRegistryError("BINDING_CONFIG_INVALID", `The binding has no ${field}.`, {
      hint: "Add the service account to the binding: the function's own identity never mints.",
      context: { field },
    });
  }
  const { token, expiresAt } = await impersonate(identity, env, { email, seconds: ttlSeconds }, call);
  return { authMethod: "basic", username: "oauth2accesstoken", password: token, expiresAt, scope: "registry" };
}
