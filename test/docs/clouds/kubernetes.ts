import { platform } from "../../../functions/kubernetes/index.ts";
import { startSuite } from "../../contract/harness.ts";
import { mountAccounts } from "../../kubernetes/support/files.ts";
import { startOurRegistry } from "../../kubernetes/support/our-registry.ts";
import type { Cloud } from "./follow.ts";

/** The container of the worked example; what the chart makes of the example's values, test/docs/values.e2e.ts holds. */
export async function startCluster(): Promise<Cloud> {
  const registry = await startOurRegistry(["acme/images"]);
  const accounts = await mountAccounts({
    account: registry.account(["pull", "push", "delete"]),
    pullAccount: registry.account(["pull"]),
    pushAccount: registry.account(["pull", "push"]),
  });
  const place = { service: "external", registryUrl: registry.url, repositoryPrefix: "acme/images" };
  const env = { ALIEN_IMAGES_BINDING: JSON.stringify({ ...place, ...accounts.files }) };
  const http = await startSuite(platform, env, ["images"]);
  return {
    async command(name, args) {
      if (name === "kubectl" && args.includes("token")) return "token-of-alice";
      if (name === "kubectl" || name === "helm") return "";
      throw new Error(`Nothing stands in for ${name} ${args.join(" ")}.`);
    },
    api: new URL(http.url).host,
    registry: { host: "registry.example", here: new URL(registry.url).host },
    env: {},
    async stop() {
      await http.stop();
      await registry.stop();
      await accounts.remove();
    },
  };
}
