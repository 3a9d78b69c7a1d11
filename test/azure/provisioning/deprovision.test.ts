import { afterEach, describe, expect, test } from "vitest";
import { ownershipTag } from "../../../functions/azure/acr/registry.ts";
import { useGroup } from "./support/group.ts";
import { actionsOf, callsOf, isRead, stateOf } from "./support/state.ts";

const group = useGroup();
const input = { registry: "images" };
const deleting = { ...input, deleteRepositories: true };
const abac = { ALIEN_ACR_ROLE_ASSIGNMENT_MODE: "rbac-abac" };
const look = ["arm:LIST scopeMaps", "acr:exchange", "acr:token", "acr:GET catalog"];

async function registry({ env = {}, binding = {} } = {}) {
  const name = group().fresh();
  const suite = await group().open(name, { env, binding });
  await suite.ok("provisionRegistry", input);
  return { name, suite };
}

afterEach(() => group().azure.faults.clear());

describe("refuses, and changes nothing,", () => {
  test.each([{}, abac])("while the registry holds images or scope maps, with their number: %j", async (env) => {
    const { name, suite } = await registry({ env });
    for (const image of ["a", "team/b"]) await group().push(name, `${name}/${image}`);
    for (const image of ["a", "only-made"]) await suite.ok("createRepository", { ...input, name: image });
    const before = stateOf(group());
    const calls = await callsOf(group(), async () => {
      const { body } = await suite.refused("deprovisionRegistry", input);
      expect(body).toMatchObject({ code: "RESOURCE_CONFLICT", retryable: false, context: { repositories: 3 } });
      expect(body.hint).toContain("deleteRepositories");
    });
    expect(calls.filter((call) => !isRead(call))).toEqual([]);
    expect(stateOf(group())).toEqual(before);
  });

  test.each([
    ["an image", (name: string) => group().push(name, "other/app")],
    ["an image whose path only looks alike", (name: string) => group().push(name, `${name}-2/app`)],
    [
      "a scope map of another registry of ours",
      async (name: string) => {
        const suite = await group().open(name, { binding: { repositoryPrefix: "other" } });
        await suite.ok("createRepository", { ...input, name: "app" });
      },
    ],
  ])("while it holds %s outside its prefix, whatever it is told", async (_title, arrange) => {
    const { name, suite } = await registry();
    await group().push(name, `${name}/mine`);
    await arrange(name);
    const before = stateOf(group());
    const { body } = await suite.refused("deprovisionRegistry", deleting);
    expect(body).toMatchObject({ code: "RESOURCE_CONFLICT", retryable: false, context: { repositories: 1 } });
    expect(body.message).toContain("outside the registry's prefix");
    expect(stateOf(group())).toEqual(before);
  });

  test("an image that is pushed while it looks away is not deleted", async () => {
    const { name, suite } = await registry();
    group().azure.faults.before = async ({ action }) => {
      if (action !== "DELETE roleAssignments") return;
      group().azure.faults.clear();
      await group().push(name, `${name}/app`);
    };
    const { body } = await suite.refused("deprovisionRegistry", input);
    expect(body).toMatchObject({ code: "RESOURCE_CONFLICT", retryable: false, context: { repositories: 1 } });
    expect([...(group().registry(name)?.repositories.keys() ?? [])]).toEqual([`${name}/app`]);
    // Provisioning gives the roles back.
    await suite.ok("provisionRegistry", input);
    expect(group().roles(name)).toHaveLength(3);
    await suite.ok("deprovisionRegistry", deleting);
    expect(group().registry(name)).toBeUndefined();
  });

  test("while somebody's lock is on it: the roles stay too", async () => {
    const { name, suite } = await registry();
    const fault = { kind: "error", status: 409, code: "ScopeLocked" } as const;
    group().azure.faults.add({
      fault,
      service: "arm",
      matches: (call) => !isRead(call),
      times: Number.POSITIVE_INFINITY,
    });
    const { body } = await suite.refused("deprovisionRegistry", input);
    expect(body).toMatchObject({ code: "RESOURCE_CONFLICT", retryable: false });
    expect(body.hint).toContain("lock");
    expect(group().roles(name)).toHaveLength(3);
  });

  test("a catalog that cannot be read is no empty one", async () => {
    const { name, suite } = await registry();
    await group().push(name, `${name}/app`);
    for (const output of [{}, { repositories: "none" }]) {
      group().azure.faults.add({ fault: { kind: "answer", output }, action: "GET catalog" });
      const { body } = await suite.refused("deprovisionRegistry", input);
      expect(body.code).toBe("UNEXPECTED_RESPONSE_FORMAT");
    }
    expect(group().registry(name)?.repositories.size).toBe(1);
  });

  test.each(["GET registries", "LIST scopeMaps", "LIST roleAssignments"])(
    "an answer to %s that says nothing",
    async (action) => {
      const { name, suite } = await registry();
      group().azure.faults.add({ fault: { kind: "answer", output: {} }, action });
      const { body } = await suite.refused("deprovisionRegistry", input);
      expect(body).toMatchObject({ code: "UNEXPECTED_RESPONSE_FORMAT", retryable: false });
      expect(group().roles(name)).toHaveLength(3);
    },
  );
});

describe("removes", () => {
  test("everything of an empty registry, and nothing of another", async () => {
    const other = await registry();
    await group().push(other.name, `${other.name}/app`);
    const before = stateOf(group());
    const { suite } = await registry();
    const calls = await callsOf(group(), () => suite.ok("deprovisionRegistry", input));
    expect(stateOf(group())).toEqual(before);
    const remove = "arm:DELETE roleAssignments";
    expect(actionsOf(calls)).toEqual([
      ...["arm:GET registries", ...look, "arm:LIST roleAssignments", remove, remove, remove],
      ...[look[0], ...look.slice(2), "arm:DELETE registries", "arm:GET operationResults", "arm:GET registries"],
    ]);
  });

  test("images and scope maps too, when told; without a prefix, without looking at them", async () => {
    const before = stateOf(group());
    for (const binding of [{}, { repositoryPrefix: "" }]) {
      const { name, suite } = await registry({ binding });
      for (const image of ["a", "team/b"]) await group().push(name, `${name}/${image}`);
      await suite.ok("createRepository", { ...input, name: "made" });
      const calls = await callsOf(group(), () => suite.ok("deprovisionRegistry", deleting));
      expect(stateOf(group())).toEqual(before);
      expect(actionsOf(calls).includes("acr:GET catalog")).toBe(!("repositoryPrefix" in binding));
    }
  });

  test.each([{}, { deleteRepositories: true }])("again with %j, and nothing happens", async (more) => {
    const { suite } = await registry();
    await suite.ok("deprovisionRegistry", input);
    const calls = await callsOf(group(), () => suite.ok("deprovisionRegistry", { ...input, ...more }));
    expect(actionsOf(calls)).toEqual(["arm:GET registries"]);
  });

  test("nothing of a registry that is somebody else's", async () => {
    const name = group().fresh();
    await group().seed(name, { tags: { [ownershipTag]: "other/" } });
    const before = stateOf(group());
    await (await group().open(name)).ok("deprovisionRegistry", deleting);
    expect(stateOf(group())).toEqual(before);
  });

  test("what is being removed already is waited for", async () => {
    const { name, suite } = await registry();
    const found = group().registry(name);
    if (found) found.provisioningState = "Deleting";
    let looks = 0;
    group().azure.faults.before = async ({ action }) => {
      if (action === "GET registries" && ++looks === 3 && found) await group().azure.world.removeRegistry(found);
    };
    await suite.ok("deprovisionRegistry", input);
    expect(looks).toBe(3);
  });
});

test("a catalog of several pages is read to its end", async () => {
  const { name, suite } = await registry();
  for (let n = 0; n < 3; n++) await group().push(name, `${name}/app-${n}`);
  const repositories = group().registry(name)?.repositories;
  const one = repositories?.get(`${name}/app-0`);
  // So many that the last of them, which is not ours, is on another page.
  for (let n = 0; one && n < 1_000; n++) repositories?.set(`${name}/many-${n}`, { ...one, name: `${name}/many-${n}` });
  if (one) repositories?.set("zzz", { ...one, name: "zzz" });
  const { body } = await suite.refused("deprovisionRegistry", deleting);
  expect(body.context).toEqual({ repositories: 1 });
});
