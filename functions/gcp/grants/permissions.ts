import type { GcpAccess } from "../../../core/schemas.ts";
import type { GrantSet } from "./grant.ts";

/** What `getCrossAccountAccess` says of a set. */
export interface GcpPermissions {
  /** The union in the documented shape. */
  readonly access: GcpAccess;
  /** Values that, added one by one to nothing, give the set. One is enough: nothing in it depends on anything else. */
  readonly grants: GcpAccess[];
}

export function toPermissions({ workers, serviceAccounts }: GrantSet): GcpPermissions {
  const access: GcpAccess = {
    type: "gcp",
    projectNumbers: [...workers],
    serviceAccountEmails: [...serviceAccounts],
    allowedServiceTypes: workers.length > 0 ? ["worker"] : [],
  };
  return { access, grants: workers.length + serviceAccounts.length > 0 ? [access] : [] };
}
