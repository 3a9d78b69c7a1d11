import type { Capabilities } from "../../core/schemas.ts";

const noAccounts = {
  reason: "The local registry has no other accounts: cross-account access does not apply.",
  hint: "Mint pull credentials for the consumer with generateCredentials.",
};

export const localCapabilities: Capabilities = {
  credentials: {
    authMethod: "basic",
    scope: "repository",
    ttlSeconds: { min: 1, max: 43_200, default: 3_600 },
  },
  tellsAbsence: true,
  unsupported: {
    addCrossAccountAccess: noAccounts,
    removeCrossAccountAccess: noAccounts,
    getCrossAccountAccess: noAccounts,
  },
};
