import { ownershipTag, ownershipValue } from "../../functions/azure/acr/registry.ts";
import { platform } from "../../functions/azure/index.ts";
import { controlRole, startStack, usualRoles } from "../azure/support/stack.ts";
import { contractSuite } from "./suite.ts";

/** What the provision door's identity has on the resource group. */
const provisioningRoles = [
  controlRole,
  "Role Based Access Control Administrator",
  "AcrPull",
  "Container Registry Repository Catalog Lister",
];

/** The suite on a container registry of one mode: roles for the whole registry, or for repositories. */
export function acrContract(mode: "rbac" | "abac"): void {
  contractSuite({
    name: "acr",
    behind: mode,
    async start() {
      // The suite makes more repositories than Basic has scope maps.
      const stack = await startStack({ mode, sku: "Standard" });
      stack.useInThisProcess();
      const { azure, identity } = stack;
      // A registry that can be taken away is alone on its container registry.
      await azure.registry("vendorbuilds", { mode, tags: { [ownershipTag]: ownershipValue("builds") } });
      for (const role of usualRoles[mode]) azure.assign(identity, role, azure.registryId("vendorbuilds"));
      for (const role of provisioningRoles) azure.assign(identity, role, azure.resourceGroup("artifact-registry"));
      return {
        platform,
        env: {
          ...stack.env(),
          ALIEN_IMAGES_BINDING: stack.binding("images"),
          ALIEN_BUILDS_BINDING: stack.binding("builds", { registryName: "vendorbuilds", loginServer: undefined }),
          ALIEN_AZURE_LOCATION: "westeurope",
          ALIEN_ACR_ROLE_ASSIGNMENT_MODE: { rbac: "rbac", abac: "rbac-abac" }[mode],
        },
        dataPlane: (endpoint) => azure.reach(endpoint),
        advance: (milliseconds) => azure.advance(milliseconds),
        stop: () => stack.stop(),
      };
    },
  });
}
