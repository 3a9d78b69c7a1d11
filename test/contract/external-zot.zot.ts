import { backendOf, withTokens } from "../kubernetes/support/token-registry.ts";
import { startZot, zotWithUsers } from "../kubernetes/support/zot.ts";
import { contractSuite } from "./suite.ts";

contractSuite({
  name: "external-zot",
  behind: "zot with a token server",
  start: async () => backendOf(await withTokens((tokens) => startZot({ auth: { tokens } }))),
});

contractSuite({ name: "external-static", behind: "zot with htpasswd", start: zotWithUsers });
