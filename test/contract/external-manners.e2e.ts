import { manners, startMannered } from "../kubernetes/support/manners.ts";
import { backendOf } from "../kubernetes/support/token-registry.ts";
import { contractSuite } from "./suite.ts";

contractSuite({
  name: "external-harbor",
  behind: "a stub with the manners of Harbor",
  start: async () => backendOf(await startMannered(manners.harbor)),
});

for (const registry of ["gitlab", "others"] as const) {
  contractSuite({
    name: "external",
    behind: `a stub with the manners of ${registry}`,
    start: async () => backendOf(await startMannered(manners[registry])),
  });
}

contractSuite({
  name: "external-quay",
  behind: "a stub with the manners of Quay",
  start: async () => backendOf(await startMannered(manners.quay), { pushMayDelete: true }),
});
