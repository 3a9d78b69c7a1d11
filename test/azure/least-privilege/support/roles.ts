import type { AzureEmulator } from "../../../emulators/azure/index.ts";
import { rolePermissions } from "../../../infra/support/azure-roles.ts";

/** One of infra/azure's custom roles; made anew, it counts at once. */
export function customRole(azure: AzureEmulator, concern: string, without?: string) {
  const permissions = rolePermissions[concern];
  if (permissions === undefined) throw new Error(`infra/azure has no role for ${concern}.`);
  return azure.role(`Artifact registry: ${concern}`, { actions: permissions.filter((each) => each !== without) });
}
