import type { Capabilities } from "../../../core/schemas.ts";
import { tokenSeconds } from "../impersonation.ts";

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
  unsupported: {},
};
