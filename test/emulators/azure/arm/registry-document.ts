import { type Mode, type Registry, registryId, type Sku } from "../acr/registry.ts";
import { badRequest } from "./refusals.ts";
import { flagOf, type Json, objectOf, textOf } from "./route.ts";

const SKUS: readonly string[] = ["Basic", "Standard", "Premium"] satisfies readonly Sku[];
const MODES: readonly string[] = ["LegacyRegistryPermissions", "AbacRepositoryPermissions"] satisfies readonly Mode[];
/** Properties that Azure Resource Manager keeps for a registry, and the emulator only gives back. */
const KEPT = ["networkRuleSet", "encryption", "dataEndpointEnabled", "networkRuleBypassOptions", "zoneRedundancy"];

type Settings = Pick<
  Registry,
  | "sku"
  | "mode"
  | "adminUserEnabled"
  | "anonymousPullEnabled"
  | "armAudience"
  | "publicNetworkAccess"
  | "tags"
  | "others"
>;

/** What a registry has whose document says nothing. */
const USUAL: Omit<Settings, "sku"> = {
  mode: "LegacyRegistryPermissions",
  adminUserEnabled: false,
  anonymousPullEnabled: false,
  armAudience: true,
  publicNetworkAccess: "Enabled",
  tags: {},
  others: {},
};

/** What a document asks for: over what there is in an update, alone where it replaces. @throws AzureError */
export function readSettings(body: Json, current?: Registry): Settings {
  const properties = objectOf(body, "properties");
  const sku = textOf(objectOf(body, "sku"), "name") ?? current?.sku;
  if (sku === undefined) throw badRequest("MissingSku", "The property 'sku' is required for this definition.");
  if (!SKUS.includes(sku)) throw badRequest("InvalidSku", `The SKU '${sku}' is not one of ${SKUS.join(", ")}.`);
  const usual = current ?? USUAL;
  const mode = textOf(properties, "roleAssignmentMode") ?? usual.mode;
  if (!MODES.includes(mode)) throw badRequest("InvalidRoleAssignmentMode", `There is no mode '${mode}'.`);
  const publicNetworkAccess = textOf(properties, "publicNetworkAccess") ?? usual.publicNetworkAccess;
  if (publicNetworkAccess === "Disabled" && sku !== "Premium") throw premiumOnly("publicNetworkAccess", "Premium");
  const anonymousPullEnabled = flagOf(properties, "anonymousPullEnabled") ?? usual.anonymousPullEnabled;
  if (anonymousPullEnabled && sku === "Basic") throw premiumOnly("anonymousPullEnabled", "Standard");
  const armPolicy = textOf(objectOf(objectOf(properties, "policies"), "azureADAuthenticationAsArmPolicy"), "status");
  return {
    sku: sku as Sku,
    mode: mode as Mode,
    adminUserEnabled: flagOf(properties, "adminUserEnabled") ?? usual.adminUserEnabled,
    anonymousPullEnabled,
    armAudience: armPolicy === undefined ? usual.armAudience : armPolicy === "enabled",
    publicNetworkAccess: publicNetworkAccess === "Disabled" ? "Disabled" : "Enabled",
    tags: body.tags === undefined ? usual.tags : (objectOf(body, "tags") as Readonly<Record<string, string>>),
    others: {
      ...usual.others,
      ...Object.fromEntries(KEPT.filter((one) => one in properties).map((one) => [one, properties[one]])),
    },
  };
}

const premiumOnly = (property: string, sku: string) =>
  badRequest("FeatureNotSupported", `'${property}' needs a registry of the SKU ${sku} or a higher one.`);

/**
 * The properties that only previews of the interface know.
 *
 * @see the definitions of Microsoft.ContainerRegistry 2025-11-01 and 2025-05-01-preview in Azure/azure-rest-api-specs
 */
const previewPolicies = ({ softDeleteDays, creationDate }: Registry) => ({
  softDeletePolicy: {
    retentionDays: softDeleteDays ?? 7,
    lastUpdatedTime: creationDate.toISOString(),
    status: softDeleteDays === undefined ? "disabled" : "enabled",
  },
});

/** @param version of the interface that was asked for */
export function shownRegistry(registry: Registry, version = ""): object {
  return {
    id: registryId(registry),
    name: registry.name,
    type: "Microsoft.ContainerRegistry/registries",
    location: registry.location,
    tags: registry.tags,
    sku: { name: registry.sku, tier: registry.sku },
    properties: {
      ...registry.others,
      loginServer: registry.loginServer,
      creationDate: registry.creationDate.toISOString(),
      provisioningState: registry.provisioningState,
      adminUserEnabled: registry.adminUserEnabled,
      anonymousPullEnabled: registry.anonymousPullEnabled,
      publicNetworkAccess: registry.publicNetworkAccess,
      roleAssignmentMode: registry.mode,
      policies: {
        azureADAuthenticationAsArmPolicy: { status: registry.armAudience ? "enabled" : "disabled" },
        quarantinePolicy: { status: "disabled" },
        trustPolicy: { type: "Notary", status: "disabled" },
        retentionPolicy: { days: 7, lastUpdatedTime: registry.creationDate.toISOString(), status: "disabled" },
        exportPolicy: { status: "enabled" },
        ...(version.endsWith("-preview") && previewPolicies(registry)),
      },
    },
  };
}
