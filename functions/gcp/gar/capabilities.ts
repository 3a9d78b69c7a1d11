import type { Capabilities } from "../../../core/schemas.ts";
import { tokenSeconds } from "../impersonation.ts";

const notProvisioned = {
  reason: "This build does not make or remove repositories of Artifact Registry and their service accounts.",
  hint: "Make them with gcloud or Terraform, and bind them: repositoryName and the two service accounts.",
};

export const garCapabilities: Capabilities = {
  credentials: {
    authMethod: "basic",
    // Neither IAM conditions nor access boundaries reach an image path: a token opens the whole repository.
    scope: "registry",
    ttlSeconds: { ...tokenSeconds },
  },
  // An image path exists only once pushed.
  tellsAbsence: false,
  crossAccountAccess: "gcp",
  crossAccountScope: "registry",
  unsupported: { provisionRegistry: notProvisioned, deprovisionRegistry: notProvisioned },
};
