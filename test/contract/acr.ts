import { platform } from "../../functions/azure/index.ts";
import { startStack } from "../azure/support/stack.ts";
import { accessToken, registryClient } from "../emulators/azure/support.ts";
import { contractSuite } from "./suite.ts";

/** The suite on a container registry of one mode: roles for the whole registry, or for repositories. */
export function acrContract(mode: "rbac" | "abac"): void {
  contractSuite({
    name: "acr",
    behind: mode,
    async start() {
      const stack = await startStack({ mode });
      stack.useInThisProcess();
      const { azure, registryName, identity } = stack;
      return {
        platform,
        env: {
          ...stack.env(),
          ALIEN_IMAGES_BINDING: stack.binding("images"),
          ALIEN_BUILDS_BINDING: stack.binding("builds"),
        },
        dataPlane: (endpoint) => azure.reach(endpoint),
        async tags(name) {
          const token = await accessToken(azure, registryName, identity, `repository:${name}:metadata_read`);
          // To the registry a repository is there from its first push on.
          return registryClient(azure, registryName, token)
            .tags(name)
            .catch((error: { status?: number }) => {
              if (error.status === 404) return [];
              throw error;
            });
        },
        advance: (milliseconds) => azure.advance(milliseconds),
        stop: () => stack.stop(),
      };
    },
  });
}
