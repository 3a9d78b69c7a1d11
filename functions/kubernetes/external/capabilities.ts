import type { Capabilities } from "../../../core/schemas.ts";
import type { ExternalBinding } from "../binding.ts";

const noAccounts = {
  reason: "An OCI registry knows no other accounts: cross-account access does not apply.",
  hint: "Mint pull credentials for the consumer with generateCredentials, or give its robot account the right to pull.",
};
const notProvisioned = {
  reason: "The registry is the cluster operator's: nothing of this suite makes or removes it.",
  hint: "Install the registry and its accounts with the operator's own tools, and bind it.",
};

/** What a binding's registry can do. Static accounts open every repository; tokens one. */
export function externalCapabilities({ staticCredentials = false }: ExternalBinding): Capabilities {
  return {
    // How long a token lives is the token service's to say: nobody can ask for more or less.
    credentials: staticCredentials
      ? { authMethod: "basic", scope: "registry" }
      : { authMethod: "bearer", scope: "repository" },
    tellsAbsence: true,
    unsupported: {
      addCrossAccountAccess: noAccounts,
      removeCrossAccountAccess: noAccounts,
      getCrossAccountAccess: noAccounts,
      provisionRegistry: notProvisioned,
      deprovisionRegistry: notProvisioned,
    },
  };
}
