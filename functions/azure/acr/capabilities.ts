import type { Capabilities } from "../../../core/schemas.ts";

const byRoles = {
  reason:
    "Azure Container Registry knows no policy of a repository: who else may pull is a matter of role assignments.",
  hint:
    "Assign AcrPull on the registry to the consumer's identity, or, where the registry takes role assignments for " +
    "repositories (ABAC), Container Registry Repository Reader with a condition on the repository's name. A consumer " +
    "of another tenant pulls with credentials of generateCredentials.",
};

export const acrCapabilities: Capabilities = {
  // The lifetime is the registry's: there is none to choose.
  credentials: { authMethod: "bearer", scope: "repository" },
  tellsAbsence: true,
  unsupported: {
    addCrossAccountAccess: byRoles,
    removeCrossAccountAccess: byRoles,
    getCrossAccountAccess: byRoles,
  },
};
