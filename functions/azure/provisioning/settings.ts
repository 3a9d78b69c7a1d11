/** What the provision door is configured with: what the container registry must be like, and for whom. */
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { Environment } from "../../../core/platform.ts";
import { decodeClaims } from "../../../core/token-claims.ts";
import type { AcrContext } from "../acr/context.ts";
import { isGuid } from "../binding.ts";
import { location, resourceManager } from "../place.ts";

const skus = ["Basic", "Standard", "Premium"] as const;
export type Sku = (typeof skus)[number];

/** The modes by the names that the Azure CLI gives them (`az acr create --role-assignment-mode`). */
const modes = { rbac: "LegacyRegistryPermissions", "rbac-abac": "AbacRepositoryPermissions" } as const;
/** Whether roles are for the whole registry, or may be for some of its repositories. */
export type RoleAssignmentMode = (typeof modes)[keyof typeof modes];

/** What a container registry must be like. A setting that is absent is left as it is, and has a default in a new registry. */
export interface RegistrySettings {
  readonly sku?: Sku;
  readonly mode?: RoleAssignmentMode;
  /** Counts for a new registry only, because a registry cannot be moved. */
  readonly location?: string;
  /** The id of the definition of the role that lets a function make scope maps. Default: the built-in role. */
  readonly scopeMapRole?: string;
}

/** The SKU of a new registry. It has room for 500 repositories; Basic has room for 100. */
export const defaultSku: Sku = "Standard";
export const defaultMode: RoleAssignmentMode = modes.rbac;

/**
 * Reads the settings of the container registry.
 *
 * @param env `ALIEN_ACR_SKU`, `ALIEN_ACR_ROLE_ASSIGNMENT_MODE`, `ALIEN_AZURE_LOCATION`, `ALIEN_SCOPE_MAP_ROLE_ID`
 * @throws BINDING_CONFIG_INVALID
 */
export function readSettings(env: Environment): RegistrySettings {
  const { ALIEN_ACR_SKU, ALIEN_ACR_ROLE_ASSIGNMENT_MODE, ALIEN_SCOPE_MAP_ROLE_ID: scopeMapRole } = env;
  const sku = skus.find((each) => each.toLowerCase() === ALIEN_ACR_SKU?.toLowerCase());
  if (ALIEN_ACR_SKU && sku === undefined) throw invalidVariable("ALIEN_ACR_SKU", `one of ${skus.join(", ")}`);
  const mode = Object.entries(modes).find(([name]) => name === ALIEN_ACR_ROLE_ASSIGNMENT_MODE)?.[1];
  if (ALIEN_ACR_ROLE_ASSIGNMENT_MODE && mode === undefined) {
    throw invalidVariable("ALIEN_ACR_ROLE_ASSIGNMENT_MODE", `one of ${Object.keys(modes).join(", ")}`);
  }
  if (scopeMapRole && !isGuid(scopeMapRole)) {
    throw invalidVariable("ALIEN_SCOPE_MAP_ROLE_ID", "the id of a role definition, which is a GUID");
  }
  const place = location(env);
  return {
    ...(sku && { sku }),
    ...(mode && { mode }),
    ...(place !== undefined && { location: place }),
    ...(scopeMapRole && { scopeMapRole: scopeMapRole.toLowerCase() }),
  };
}

const principalsVariable = "ALIEN_FUNCTION_PRINCIPAL_IDS";
const principalsFormat =
  "the object ids of the identities of the functions that serve the registry, separated by commas";

/** The identities that work on the registry. */
export interface FunctionPrincipals {
  /** Their object ids. */
  readonly principals: readonly string[];
  /** Whether the environment lists them, so that there are no others. */
  readonly listed: boolean;
}

/**
 * Finds the identities that work on the registry: those whose object ids `ALIEN_FUNCTION_PRINCIPAL_IDS` lists, separated by
 * commas, or else this function's own identity.
 *
 * @throws BINDING_CONFIG_INVALID
 */
export async function functionPrincipals(context: AcrContext, call: Call): Promise<FunctionPrincipals> {
  const listed = (context.env[principalsVariable] ?? "").split(",").flatMap((id) => id.trim().toLowerCase() || []);
  if (!listed.every(isGuid)) throw invalidVariable(principalsVariable, principalsFormat);
  if (listed.length > 0) return { principals: [...new Set(listed)], listed: true };
  return { principals: [await ownPrincipal(context, call)], listed: false };
}

/** A function learns its own object id only from the token that it gets. */
async function ownPrincipal({ identity, binding, env }: AcrContext, call: Call): Promise<string> {
  const { scope } = resourceManager(binding.loginServer, env);
  const { token } = await call.upstream("Managed identity token", (abortSignal) =>
    identity.getToken(scope, { abortSignal }),
  );
  const id = decodeClaims(token)?.oid;
  if (typeof id === "string" && isGuid(id)) return id.toLowerCase();
  throw new ArtifactRegistryError("BINDING_CONFIG_INVALID", "The function's token does not say whose it is.", {
    hint: `Set ${principalsVariable} to ${principalsFormat}.`,
    context: { variable: principalsVariable },
  });
}

function invalidVariable(variable: string, expected: string): ArtifactRegistryError {
  return new ArtifactRegistryError("BINDING_CONFIG_INVALID", `${variable} is not what it should be.`, {
    hint: `Set it to ${expected}.`,
    context: { variable },
  });
}
