import { type Access, allows, narrow } from "../../../../oci/token/index.ts";
import type { Credential } from "../../aws/data-plane/request.ts";
import type { CallRecord } from "../call.ts";
import type { World } from "../world.ts";
import { accessByRepository, accessByRights, isAbac, type Right, registryRights } from "./permissions.ts";
import type { Registry } from "./registry.ts";

/** Who shows credentials to a registry, and what of an access that is asked for these open. */
export interface Holder {
  readonly subject: string;
  grant(wanted: readonly Access[], record?: CallRecord): readonly Access[];
}

/** The user name that says that the password is a token. */
export const NULL_GUID = "00000000-0000-0000-0000-000000000000";
const EVERYTHING = ["pull", "push", "delete", "metadata_read", "metadata_write"];

/**
 * @param remembered the rights on the whole registry that a refresh token tells of: a role that was assigned since, or
 *   taken away, is seen by a new one only
 */
export function principalHolder(
  world: World,
  registry: Registry,
  principalId: string,
  remembered?: readonly Right[],
): Holder {
  return {
    subject: principalId,
    grant(wanted, record) {
      const held = isAbac(registry)
        ? wanted.map((one) => accessByRepository(world, registry, principalId, one, record))
        : wanted.map((one) => {
            const rights = remembered ?? registryRights(world, registry, principalId, record);
            return accessByRights(rights, one);
          });
      return narrow(wanted, held);
    },
  };
}

/** Whoever holds an access token can have it narrowed, and no more. */
export function tokenHolder(subject: string, access: readonly Access[]): Holder {
  return { subject, grant: (wanted) => narrow(wanted, access) };
}

const fixedHolder = (subject: string, actions: readonly string[], catalog: boolean): Holder => ({
  subject,
  grant: (wanted) =>
    narrow(
      wanted,
      wanted.map(({ type, name }) => ({
        type,
        name,
        actions: type === "repository" ? actions : catalog && name === "catalog" ? ["*"] : [],
      })),
    ),
});

/** Who sends nothing; nobody where the registry does not give to everybody. */
export function anonymousHolder({ anonymousPullEnabled }: Registry): Holder | undefined {
  return anonymousPullEnabled ? fixedHolder("anonymous", ["pull", "metadata_read"], false) : undefined;
}

/** Whom a user name and password mean: the registry's admin, or an application with its secret. */
export function passwordHolder(
  world: World,
  registry: Registry,
  { user, password }: { readonly user: string; readonly password: string },
): Holder | undefined {
  const isAdmin = user.toLowerCase() === registry.name.toLowerCase() && password === registry.adminPassword;
  if (isAdmin) return registry.adminUserEnabled ? fixedHolder(registry.name, EVERYTHING, true) : undefined;
  const principal = world.directory.byClientId(user);
  if (principal === undefined || !world.directory.hasSecret(principal.clientId, password)) return undefined;
  return principalHolder(world, registry, principal.principalId);
}

/** Whom the credentials of a request to `/v2` or `/acr/v1` mean. The null GUID is for the token service only. */
export async function holderOf(world: World, registry: Registry, credential: Credential): Promise<Holder | undefined> {
  if (credential.kind === "none") return undefined;
  if (credential.kind === "basic") return passwordHolder(world, registry, credential);
  const token = await world.tokens.readAccess(registry, credential.token);
  return token && tokenHolder(token.subject, token.access);
}

/** Whether credentials open exactly this. */
export function opens(holder: Holder, wanted: Access, record: CallRecord): boolean {
  const granted = holder.grant([wanted], record);
  return wanted.actions.every((action) => allows(granted, wanted.type, wanted.name, action));
}
