import { expect, test } from "vitest";
import type { Environment } from "../../../core/platform.ts";
import { platform } from "../../../functions/gcp/index.ts";
import { startSuite } from "../../contract/harness.ts";
import type { GcpDoor } from "../../infra/support/gcp-roles.ts";
import { bindRoles, functions, registries, startDoor } from "./support/function.ts";

const access = {
  type: "gcp",
  projectNumbers: ["444455556666"],
  serviceAccountEmails: [],
  allowedServiceTypes: ["worker"],
};

// Each door alone works on a registry that the tests made: here one door works on what the other one made.
test("what the provision door makes, the platform door works on, once it has the tag", async () => {
  const provision = await startDoor("provision");
  const { gcp, env } = provision;
  const account = gcp.serviceAccount("acme-platform", { project: functions });
  for (const place of ["derived", "tagged"] as const) {
    bindRoles(gcp, { door: "platform", account, place, resource: registries, project: registries });
  }
  const as = async (email: string, door: GcpDoor, variables: Environment) => {
    const who = { GCE_METADATA_HOST: await gcp.metadata(email) };
    return startSuite(platform, { ...variables, ...who, ALIEN_DOOR: door }, ["builds"]);
  };
  const registry = "builds";
  const { ALIEN_REGISTRY_TAG: _, ...untagged } = env;
  try {
    const earlier = await as(provision.account, "provision", untagged);
    await earlier.ok("provisionRegistry", { registry });
    await earlier.stop();
    const closed = await as(account, "platform", env);
    const repoId = "app";
    const { body } = await closed.refused("addCrossAccountAccess", { registry, repoId, access });
    expect(body.code).toBe("ACCESS_DENIED");
    expect(body.hint).toContain(`with the tag ${env.ALIEN_REGISTRY_TAG}, which provisionRegistry attaches`);
    await closed.stop();
    const later = await as(provision.account, "provision", env);
    await later.ok("provisionRegistry", { registry });
    await later.stop();
    const open = await as(account, "platform", env);
    await open.ok("addCrossAccountAccess", { registry, repoId, access });
    await open.ok("generateCredentials", { registry, repoId, permissions: "push-pull" });
    await open.ok("deleteRepository", { registry, repoId });
    await open.stop();
  } finally {
    await provision.stop();
  }
});
