import type { Call } from "../../core/call.ts";
import { ArtifactRegistryError } from "../../core/errors.ts";
import type { Provisioning } from "../../core/registry.ts";
import type { LocalRegistryLocation } from "./binding.ts";
import type { RegistryClient } from "./registry-client.ts";

/** The local registry runs with its server: there is nothing to make, only a binding to answer and data to remove. */
export function createProvisioning(
  prefix: string,
  location: LocalRegistryLocation,
  registry: RegistryClient,
): Provisioning {
  const repositories = async (call: Call): Promise<string[]> => {
    const all = await registry.oci(
      call,
      "list repositories",
      { type: "registry", name: "catalog", actions: ["*"] },
      (client) => client.catalog(),
    );
    return all.filter((name) => name === prefix || name.startsWith(`${prefix}/`));
  };

  return {
    provision: async () => ({ service: "local", ...location }),

    async deprovision({ deleteRepositories = false }, call) {
      const existing = await repositories(call);
      if (existing.length > 0 && !deleteRepositories) {
        throw new ArtifactRegistryError(
          "RESOURCE_CONFLICT",
          `The registry still holds ${existing.length} repositories.`,
          {
            hint: "Delete them first, or pass deleteRepositories: true.",
            context: { repositories: existing.length },
          },
        );
      }
      for (const name of existing) await registry.deleteRepository(call, name);
    },
  };
}
