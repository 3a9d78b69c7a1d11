import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { Environment } from "../../../core/platform.ts";
import { location } from "../place.ts";

const skus = ["Basic", "Standard", "Premium"] as const;
export type Sku = (typeof skus)[number];

/** By the names that the Azure CLI gives them (`az acr create --role-assignment-mode`). */
const modes = { rbac: "LegacyRegistryPermissions", "rbac-abac": "AbacRepositoryPermissions" } as const;
/** Whether roles are for the whole registry, or may be for some of its repositories. */
export type Mode = (typeof modes)[keyof typeof modes];

/** What a container registry shall be like. What is absent is left as it is, and has a default in a new one. */
export interface Settings {
  readonly sku?: Sku;
  readonly mode?: Mode;
  /** For a new one alone: nobody can move a registry. */
  readonly location?: string;
  /** Id of the definition of the role by which a function makes scope maps; absent means the built-in one. */
  readonly scopeMapRole?: string;
}

/** A new registry has room for 500 repositories; Basic has it for 100. */
export const newSku: Sku = "Standard";
export const newMode: Mode = modes.rbac;

const guid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
export const isGuid = (text: string) => guid.test(text);

/**
 * Reads what the provision door is configured with.
 *
 * @param env `ALIEN_ACR_SKU`, `ALIEN_ACR_ROLE_ASSIGNMENT_MODE`, `ALIEN_AZURE_LOCATION`, `ALIEN_SCOPE_MAP_ROLE_ID`
 * @throws BINDING_CONFIG_INVALID
 */
export function readSettings(env: Environment): Settings {
  const { ALIEN_ACR_SKU, ALIEN_ACR_ROLE_ASSIGNMENT_MODE, ALIEN_SCOPE_MAP_ROLE_ID: scopeMapRole } = env;
  const sku = skus.find((each) => each.toLowerCase() === ALIEN_ACR_SKU?.toLowerCase());
  if (ALIEN_ACR_SKU && sku === undefined) throw wrong("ALIEN_ACR_SKU", `one of ${skus.join(", ")}`);
  const mode = Object.entries(modes).find(([name]) => name === ALIEN_ACR_ROLE_ASSIGNMENT_MODE)?.[1];
  if (ALIEN_ACR_ROLE_ASSIGNMENT_MODE && mode === undefined) {
    throw wrong("ALIEN_ACR_ROLE_ASSIGNMENT_MODE", `one of ${Object.keys(modes).join(", ")}`);
  }
  if (scopeMapRole && !isGuid(scopeMapRole)) {
    throw wrong("ALIEN_SCOPE_MAP_ROLE_ID", "the id of a role definition, which is a GUID");
  }
  const place = location(env);
  return {
    ...(sku && { sku }),
    ...(mode && { mode }),
    ...(place !== undefined && { location: place }),
    ...(scopeMapRole && { scopeMapRole: scopeMapRole.toLowerCase() }),
  };
}

export function wrong(variable: string, expected: string): ArtifactRegistryError {
  return new ArtifactRegistryError("BINDING_CONFIG_INVALID", `${variable} is not what it should be.`, {
    hint: `Set it to ${expected}.`,
    context: { variable },
  });
}
