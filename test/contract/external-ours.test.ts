import { platform } from "../../functions/kubernetes/index.ts";
import { mountAccounts } from "../kubernetes/support/files.ts";
import { startOurRegistry } from "../kubernetes/support/our-registry.ts";
import { contractSuite } from "./suite.ts";

contractSuite({
  name: "external",
  behind: "our own registry, by its token endpoint",
  async start() {
    const registry = await startOurRegistry(["images", "builds"]);
    const accounts = await mountAccounts({
      account: registry.account(["pull", "push", "delete"]),
      pullAccount: registry.account(["pull"]),
      pushAccount: registry.account(["pull", "push"]),
    });
    const binding = (repositoryPrefix: string) =>
      JSON.stringify({ service: "external", registryUrl: registry.url, repositoryPrefix, ...accounts.files });
    return {
      platform,
      env: { ALIEN_IMAGES_BINDING: binding("images"), ALIEN_BUILDS_BINDING: binding("builds") },
      async stop() {
        await registry.stop();
        await accounts.remove();
      },
    };
  },
});
