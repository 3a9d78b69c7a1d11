import { beforeAll, describe, expect, test } from "vitest";
import type { Principal } from "./index.ts";
import { arm, managementClient, refusedWith, useAzure } from "./support.ts";

const azure = useAzure();
const NAME = "images";
const ACTIONS = ["repositories/team/app/content/read", "repositories/team/app/metadata/read"];
let contributor: Principal;
let group = "";
let id = "";
beforeAll(async () => {
  await azure().registry(NAME);
  id = azure().registryId(NAME);
  group = azure().resourceGroupName;
  contributor = azure().identity("contributor", { roles: { [id]: ["Contributor"] } });
  // Where a deletion is looked at is a place of the subscription.
  azure().assign(contributor, "Reader", `/subscriptions/${azure().subscription}`);
});
const maps = (who = contributor) => managementClient(azure(), who).scopeMaps;
const interval = { updateIntervalInMs: 1 };
const version = "?api-version=2025-11-01";

describe("scope maps", () => {
  test("are made, read, replaced, updated and deleted by Azure's own client", async () => {
    const made = await maps().create(group, NAME, "team-app", { actions: ACTIONS, description: "one" }, interval);
    expect(made).toMatchObject({
      name: "team-app",
      actions: ACTIONS,
      description: "one",
      provisioningState: "Succeeded",
    });
    expect(made).toMatchObject({ id: `${id}/scopeMaps/team-app`, typePropertiesType: "UserDefined" });
    const replaced = await maps().create(group, NAME, "team-app", { actions: ACTIONS.slice(1) }, interval);
    expect(replaced).toMatchObject({ actions: ACTIONS.slice(1), creationDate: made.creationDate });
    expect(replaced.description).toBeUndefined();
    const updated = await maps().update(group, NAME, "team-app", { description: "two" }, interval);
    expect(updated).toMatchObject({ actions: ACTIONS.slice(1), description: "two" });
    expect(await maps().get(group, NAME, "TEAM-APP")).toEqual(updated);
    await maps().delete(group, NAME, "team-app", interval);
    expect(await refusedWith(maps().get(group, NAME, "team-app"))).toMatchObject({
      status: 404,
      code: "ResourceNotFound",
    });
    await maps().delete(group, NAME, "team-app", interval);
  });

  test("are deleted by whoever may, and the end is seen by whoever may look at the subscription's operations", async () => {
    const { operationMs } = azure().behaviour;
    azure().behaviour.operationMs = 60_000;
    const lesser = azure().identity("lesser", { roles: { [id]: ["Contributor"] } });
    await maps().create(group, NAME, "seen-by-few", { actions: ACTIONS }, interval).submitted();
    azure().advance(60_000);
    expect(await refusedWith(Promise.resolve(maps(lesser).delete(group, NAME, "seen-by-few", interval)))).toMatchObject(
      {
        status: 403,
        message: expect.stringContaining("Microsoft.ContainerRegistry/locations/operationResults/read"),
      },
    );
    azure().advance(60_000);
    expect(await refusedWith(maps().get(group, NAME, "seen-by-few"))).toMatchObject({ status: 404 });
    azure().behaviour.operationMs = operationMs;
  });

  test("are there from the start where they are Azure's, and cannot be changed", async () => {
    const names = [];
    for await (const { name, typePropertiesType } of maps().list(group, NAME)) {
      if (typePropertiesType === "SystemDefined") names.push(name);
    }
    expect(names).toContain("_repositories_pull");
    for (const call of [
      () => maps().create(group, NAME, "_repositories_pull", { actions: ACTIONS }, interval),
      () => maps().delete(group, NAME, "_repositories_pull", interval),
    ]) {
      expect((await refusedWith(call())).status).toBe(400);
    }
  });

  test.each(["four", "x".repeat(51), "team.app", "team_äpp"])("are not called %s", async (name) => {
    const { status, body } = await arm(
      azure(),
      contributor,
      "PUT",
      `${id}/scopeMaps/${encodeURIComponent(name)}${version}`,
      {
        properties: { actions: ACTIONS },
      },
    );
    expect([status, body.error.code]).toEqual([400, "InvalidResourceName"]);
  });

  test.each([
    [[]],
    [["repositories/team/app/content/fly"]],
    [["repositories/Team/content/read"]],
    [["team/app/content/read"]],
    [["repositories//content/read"]],
  ])("do not allow %j", async (actions) => {
    expect(await refusedWith(maps().create(group, NAME, "wrong", { actions }, interval))).toMatchObject({
      status: 400,
    });
  });

  test("may name a folder or everything", async () => {
    const actions = ["repositories/team/*/content/read", "repositories/*/metadata/read"];
    const made = await maps().create(group, NAME, "folders", { actions }, interval);
    expect(made.actions).toEqual(actions);
  });

  test.each([
    ["Basic", 100],
    ["Standard", 500],
  ] as const)("of a registry of the SKU %s are %i at most", async (sku, most) => {
    const registry = await azure().registry(`${sku}quota`, { sku });
    const who = azure().identity(`${sku}-contributor`, {
      roles: { [azure().registryId(registry.name)]: ["Contributor"] },
    });
    const make = (name: string) => maps(who).create(group, registry.name, name, { actions: ACTIONS }, interval);
    const seed = registry.scopeMaps.get("_repositories_pull");
    if (seed === undefined) throw new Error("There are no system-defined maps.");
    for (let number = 1; number < most; number++) {
      registry.scopeMaps.set(`map-${number}`, { ...seed, name: `map-${number}`, type: "UserDefined" });
    }
    await make("the-last");
    await make("the-last");
    const { status, code, message } = await refusedWith(make("too-many"));
    expect([status, code]).toEqual([403, "QuotaExceeded"]);
    expect(message).toContain(`for the registry SKU ${sku}`);
  });

  test("need their registry, its group and its subscription", async () => {
    const everywhere = azure().identity("everywhere", {
      roles: { [`/subscriptions/${azure().subscription}`]: ["Owner"] },
    });
    const get = async (path: string) => {
      const { status, body } = await arm(azure(), everywhere, "GET", `${path}${version}`);
      return [status, body.error.code];
    };
    const missing = id.replace(NAME, "missing");
    expect(await get(`${missing}/scopeMaps/team-app`)).toEqual([404, "ParentResourceNotFound"]);
    expect(await get(`${id.replace(group, "missing")}/scopeMaps/team-app`)).toEqual([404, "ResourceGroupNotFound"]);
    const other = id.replace(azure().subscription, "00000000-1111-2222-3333-444444444444");
    expect(await get(`${other}/scopeMaps/team-app`)).toEqual([404, "SubscriptionNotFound"]);
  });

  test("are refused to whoever lacks the action, by name and scope", async () => {
    const reader = azure().identity("reader", { roles: { [id]: ["Reader"] } });
    const { status, code, message } = await refusedWith(
      maps(reader).create(group, NAME, "team-app", { actions: ACTIONS }),
    );
    expect([status, code]).toEqual([403, "AuthorizationFailed"]);
    expect(message).toContain(
      `object id '${reader.principalId}' does not have authorization to perform action ` +
        `'Microsoft.ContainerRegistry/registries/scopeMaps/write' over scope '${id}/scopeMaps/team-app'`,
    );
    expect(await refusedWith(maps(reader).delete(group, NAME, "team-app"))).toMatchObject({
      code: "AuthorizationFailed",
    });
    expect((await maps(reader).get(group, NAME, "_repositories_pull")).name).toBe("_repositories_pull");
    const pusher = azure().identity("pusher", { roles: { [id]: ["AcrPush"] } });
    expect(await refusedWith(maps(pusher).get(group, NAME, "_repositories_pull"))).toMatchObject({ status: 403 });
  });

  test("can be looked for while they are made only by those who may", async () => {
    const blind = azure().role("Blind", {
      actions: ["write", "read"].map((verb) => `Microsoft.ContainerRegistry/registries/scopeMaps/${verb}`),
    });
    const who = azure().identity("blind", { roles: { [id]: [blind.name] } });
    const call = maps(who).create(group, NAME, "blindly", { actions: ACTIONS }, interval);
    expect((await refusedWith(call)).message).toContain("scopeMaps/operationStatuses/read");
  });
});
