import { afterEach, expect, test } from "vitest";
import { ownershipTag } from "../../../functions/azure/acr/registry.ts";
import { useGroup } from "./support/group.ts";
import { actionsOf, callsOf, isRead } from "./support/state.ts";

const group = useGroup();
const input = { registry: "images" };

afterEach(() => {
  group().azure.behaviour.pageSize = 1_000;
  group().azure.faults.clear();
});

const count = (calls: readonly string[], action: string) => calls.filter((call) => call === action).length;

test("a registry that overlaps is found on the last page of them", async () => {
  const name = group().fresh();
  for (let n = 0; n < 4; n++) await group().seed(group().fresh("other"));
  await group().seed(group().fresh("zzz"), { tags: { [ownershipTag]: `${name}/dev/` } });
  group().azure.behaviour.pageSize = 2;
  const suite = await group().open(name);
  const calls = await callsOf(group(), async () => {
    const { body } = await suite.refused("provisionRegistry", input);
    expect(body).toMatchObject({ code: "RESOURCE_CONFLICT", retryable: false });
  });
  expect(count(actionsOf(calls), "arm:LIST registries")).toBe(3);
});

test("role assignments and scope maps are read to the last page, and each page is a request that is repeated by itself", async () => {
  const name = group().fresh();
  const suite = await group().open(name);
  await suite.ok("provisionRegistry", input);
  for (const repository of ["a-1", "b-1", "c-1"]) await suite.ok("createRepository", { ...input, name: repository });
  group().azure.behaviour.pageSize = 1;
  group().azure.faults.add({ fault: { kind: "reset" }, action: "LIST roleAssignments", nth: 2 });
  const again = await callsOf(group(), () => suite.ok("provisionRegistry", input));
  expect(again.filter((call) => !isRead(call))).toEqual([]);
  expect(count(actionsOf(again), "arm:LIST roleAssignments")).toBeGreaterThan(3);
  const { body } = await suite.refused("deprovisionRegistry", input);
  expect(body.context).toEqual({ repositories: 3 });
  await suite.ok("deprovisionRegistry", { ...input, deleteRepositories: true });
  expect([group().registry(name), group().roles(name)]).toEqual([undefined, []]);
});
