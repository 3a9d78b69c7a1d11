import { manners, startMannered } from "../kubernetes/support/manners.ts";
import { backendOf } from "../kubernetes/support/token-registry.ts";
import { contractSuite } from "./suite.ts";

contractSuite({
  name: "external-zot",
  behind: "a stub with the manners of zot",
  start: async () => backendOf(await startMannered(manners.zot)),
});
