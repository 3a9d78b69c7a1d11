import { describe, expect, test } from "vitest";
import { permissionsOn } from "../../infra/support/gcp-roles.ts";
import { useProject } from "./support/project.ts";
import { actionsOf, callsOf, isRead, stateOf } from "./support/state.ts";

const project = useProject();
const input = { registry: "images" };
let count = 0;

/** A tag that the function may attach, as infra/gcp arranges it, and the suite of a registry that is not there yet. */
async function fresh() {
  const { gcp } = project();
  const tag = gcp.tag(`key-${++count}`, "provisioned");
  const role = gcp.role("tagBinding", permissionsOn("provision", "tag"));
  gcp.serviceAccount("function", { roles: { [tag.valueId]: [role] } });
  const id = project().fresh();
  const env = { ALIEN_REGISTRY_TAG: tag.valueId, ALIEN_DOOR: "provision" };
  return {
    id,
    tag,
    env,
    suite: await project().open(id, { env }),
    untagged: await project().open(id, { env: { ALIEN_DOOR: "provision" } }),
  };
}
const attached = (id: string) => project().gcp.world.tags.attachedTo(project().name(id));

describe("the tag that opens a derived registry to the other doors", () => {
  test("is attached to what provisionRegistry makes, once", async () => {
    const { id, tag, suite } = await fresh();
    const calls = await callsOf(project().gcp, () => suite.ok("provisionRegistry", input));
    expect(attached(id)).toEqual([tag]);
    expect(actionsOf(calls).filter((action) => action === "cloudresourcemanager:CreateTagBinding")).toHaveLength(1);
    const again = await callsOf(project().gcp, () => suite.ok("provisionRegistry", input));
    expect(actionsOf(again)).toContain("cloudresourcemanager:ListTagBindings");
    expect(again.filter((call) => !isRead(call))).toEqual([]);
  });

  test("is attached to a registry that was provisioned without it", async () => {
    const { id, tag, suite, untagged } = await fresh();
    await untagged.ok("provisionRegistry", input);
    expect(attached(id)).toEqual([]);
    const says = async () => (await suite.ok("describeRegistry", input)).health.findings;
    const missing = {
      message: expect.stringContaining(`${tag.valueId} is not attached`),
      hint: "Run provisionRegistry.",
    };
    expect(await says()).toContainEqual(missing);
    await suite.ok("provisionRegistry", input);
    expect(attached(id)).toEqual([tag]);
    expect(await says()).not.toContainEqual(missing);
  });

  test("goes with the registry", async () => {
    const { id, suite } = await fresh();
    await suite.ok("provisionRegistry", input);
    await suite.ok("deprovisionRegistry", input);
    expect(attached(id)).toEqual([]);
  });

  test("is not asked for where none is set", async () => {
    const { untagged } = await fresh();
    const calls = await callsOf(project().gcp, async () => {
      await untagged.ok("provisionRegistry", input);
      await untagged.ok("describeRegistry", input);
    });
    expect(actionsOf(calls).filter((action) => action.startsWith("cloudresourcemanager"))).toEqual([]);
  });

  test("may be attached by two calls at once", async () => {
    const { id, tag, suite } = await fresh();
    await suite.ok("provisionRegistry", input);
    project().gcp.world.tags.detachAll(project().name(id));
    await Promise.all([suite.ok("provisionRegistry", input), suite.ok("provisionRegistry", input)]);
    expect(attached(id)).toEqual([tag]);
  });

  test("may be attached although the answer was lost", async () => {
    const { id, tag, suite } = await fresh();
    project().gcp.faults.add({ fault: { kind: "lost" }, action: "CreateTagBinding" });
    await suite.ok("provisionRegistry", input);
    expect(attached(id)).toEqual([tag]);
  });
});

describe("is refused", () => {
  test("before anything is changed, where the variable is no tag value", async () => {
    const id = project().fresh();
    const suite = await project().open(id, { env: { ALIEN_REGISTRY_TAG: "acme/registries/provisioned" } });
    const before = stateOf(project());
    const { body } = await suite.refused("provisionRegistry", input);
    expect(body).toMatchObject({ code: "BINDING_CONFIG_INVALID", context: { variable: "ALIEN_REGISTRY_TAG" } });
    expect(stateOf(project())).toEqual(before);
  });

  test("where the repository has another value of the key", async () => {
    const { id, tag, suite } = await fresh();
    const other = { ...project().gcp.tag("other", "value"), keyId: tag.keyId };
    await suite.ok("provisionRegistry", input);
    project().gcp.world.tags.detachAll(project().name(id));
    const { world } = project().gcp;
    world.tags.attach(project().name(id), other.valueId);
    Object.assign(world.tags.value(other.valueId) ?? {}, { keyId: tag.keyId });
    const { body } = await suite.refused("provisionRegistry", input);
    expect(body).toMatchObject({ code: "RESOURCE_CONFLICT", retryable: false });
    expect(body.hint).toContain("one value of each tag key");
  });

  test.each(["artifactregistry.repositories.createTagBinding", "resourcemanager.tagValueBindings.create"])(
    "without %s, which the hint names",
    async (permission) => {
      const { suite } = await fresh();
      const message = `Permission '${permission}' denied.`;
      project().gcp.faults.add({
        fault: { kind: "error", status: "PERMISSION_DENIED", message },
        action: "CreateTagBinding",
      });
      const { body } = await suite.refused("provisionRegistry", input);
      expect(body.code).toBe("ACCESS_DENIED");
      expect(body.hint).toContain(permission);
    },
  );
});
