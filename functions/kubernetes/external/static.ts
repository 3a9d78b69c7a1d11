import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { RoutableName } from "../../../core/names.ts";
import type { MintedCredentials } from "../../../core/registry.ts";
import type { Permissions } from "../../../core/schemas.ts";
import type { AccountField } from "../binding.ts";
import type { ExternalContext } from "./context.ts";
import { tryOut } from "./try-out.ts";

/**
 * The pull or push account itself, where the operator opted in: it opens every repository and does not end. It is
 * tried out each time, since what it may do can change at the registry.
 *
 * @throws BINDING_CONFIG_INVALID where one account stands for two
 */
export async function handOutAccount(
  { connection, ...context }: ExternalContext,
  name: RoutableName,
  permissions: Permissions,
  field: AccountField,
  call: Call,
): Promise<MintedCredentials> {
  const account = await connection.account(field);
  if (account === undefined) throw new ArtifactRegistryError("BINDING_CONFIG_INVALID", `The binding has no ${field}.`);
  const { username, password } = account;
  for (const other of ["account", ...(permissions === "pull" ? (["pushAccount"] as const) : [])] as const) {
    const its = await connection.account(other);
    // One user may have several passwords, each with rights of its own: access tokens.
    if (its?.username === username && its.password.reveal() === password.reveal()) throw sameAccount(field, other);
  }
  const credentials = { username, password: password.reveal() };
  await tryOut({ ...context, connection }, credentials, { name, permissions, scope: "registry" }, call);
  return { authMethod: "basic", username, password, scope: "registry" };
}

function sameAccount(field: AccountField, other: AccountField): ArtifactRegistryError {
  return new ArtifactRegistryError("BINDING_CONFIG_INVALID", `The binding's ${field} and ${other} are one account.`, {
    hint: "What is handed out must do no more than it says: give each an account of its own.",
    context: { field },
  });
}
