import type { Call } from "../../../core/call.ts";
import type { CredentialRequest, MintedCredentials } from "../../../core/registry.ts";
import type { Permissions } from "../../../core/schemas.ts";
import { accessToken, onRepository } from "./access-token.ts";
import type { AcrContext } from "./context.ts";
import type { Action } from "./roles.ts";

/** Exactly the permission level. Listing tags is `metadata_read` on ACR: neither pulling nor pushing needs it. */
const actions: Readonly<Record<Permissions, readonly Action[]>> = { pull: ["pull"], "push-pull": ["pull", "push"] };

/**
 * Mints credentials: an access token of the registry for one repository. Its lifetime is the registry's; nobody can
 * ask for another.
 *
 * @throws ACCESS_DENIED where the function's identity may not do itself what the credentials are for
 */
export async function generateCredentials(
  context: AcrContext,
  { name, permissions }: CredentialRequest,
  call: Call,
): Promise<MintedCredentials> {
  const { token, expiresAt } = await accessToken(context, onRepository(name, actions[permissions]), call);
  return { authMethod: "bearer", username: "", password: token, expiresAt, scope: "repository" };
}
