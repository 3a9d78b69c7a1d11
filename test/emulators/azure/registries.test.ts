import { beforeAll, describe, expect, test } from "vitest";
import type { Principal } from "./index.ts";
import { arm, ask, managementClient, refusedWith, useAzure } from "./support.ts";

const azure = useAzure();
const version = "?api-version=2025-11-01";
const interval = { updateIntervalInMs: 1 };
let owner: Principal;
let group = "";
let groupId = "";
let count = 0;
beforeAll(() => {
  groupId = azure().resourceGroup(azure().resourceGroupName);
  group = azure().resourceGroupName;
  owner = azure().identity("owner", { roles: { [`/subscriptions/${azure().subscription}`]: ["Owner"] } });
});
const registries = (who = owner) => managementClient(azure(), who).registries;
const fresh = () => `images${++count}`;
const basic = { location: "westeurope", sku: { name: "Basic" } };
const pathOf = (name: string) => `${groupId}/providers/Microsoft.ContainerRegistry/registries/${name}`;
const put = async (name: string, body: object) => {
  const answer = await arm(azure(), owner, "PUT", `${pathOf(name)}${version}`, body);
  // Whatever that began has ended when the next call comes.
  azure().advance(1_000);
  return answer;
};

describe("registries", () => {
  // By the definitions of both versions in Azure/azure-rest-api-specs.
  test("tell of soft delete by a preview alone, which makes and changes nothing", async () => {
    const name = fresh();
    await put(name, basic);
    const preview = "?api-version=2025-05-01-preview";
    const policies = async (asked: string) =>
      (await arm(azure(), owner, "GET", `${pathOf(name)}${asked}`)).body.properties.policies;
    expect(await policies(version)).not.toHaveProperty("softDeletePolicy");
    expect((await policies(preview)).softDeletePolicy).toMatchObject({ status: "disabled", retentionDays: 7 });
    expect((await arm(azure(), owner, "PUT", `${pathOf(name)}${preview}`, basic)).status).toBe(400);
  });

  test("are made, read, listed, updated and deleted by Azure's own client", async () => {
    const name = fresh();
    expect(await registries().checkNameAvailability({ name, type: "Microsoft.ContainerRegistry/registries" })).toEqual({
      nameAvailable: true,
    });
    const made = await registries().create(
      group,
      name,
      { ...basic, sku: { name: "Standard" }, tags: { owner: "suite" } },
      interval,
    );
    expect(made).toMatchObject({
      id: pathOf(name),
      loginServer: `${name}.azurecr.io`,
      provisioningState: "Succeeded",
      sku: { name: "Standard", tier: "Standard" },
      adminUserEnabled: false,
      anonymousPullEnabled: false,
      roleAssignmentMode: "LegacyRegistryPermissions",
      tags: { owner: "suite" },
    });
    const updated = await registries().update(
      group,
      name,
      { roleAssignmentMode: "AbacRepositoryPermissions" },
      interval,
    );
    expect(updated).toMatchObject({ roleAssignmentMode: "AbacRepositoryPermissions", tags: { owner: "suite" } });
    expect(await registries().get(group, name)).toEqual(updated);
    const listed = [];
    for await (const one of registries().listByResourceGroup(group)) listed.push(one.name);
    for await (const one of registries().list()) listed.push(one.name);
    expect(listed.filter((one) => one === name)).toHaveLength(2);
    expect((await ask(`${azure().registryUrl(name)}/v2/`)).status).toBe(401);
    await registries().delete(group, name, interval);
    expect(await refusedWith(registries().get(group, name))).toMatchObject({ status: 404, code: "ResourceNotFound" });
    await registries().delete(group, name, interval);
  });

  test("are replaced by what a document says, and all that it does not say is as usual", async () => {
    const name = fresh();
    await put(name, { ...basic, sku: { name: "Premium" }, tags: { a: "b" }, properties: { adminUserEnabled: true } });
    const { status, body } = await put(name, basic);
    expect([status, body.tags, body.properties.adminUserEnabled, body.sku.name]).toEqual([200, {}, false, "Basic"]);
  });

  test("have names that nobody else has, and keep their place", async () => {
    const name = fresh();
    await put(name, basic);
    const availability = (asked: string) =>
      registries().checkNameAvailability({ name: asked, type: "Microsoft.ContainerRegistry/registries" });
    expect(await availability(name.toUpperCase())).toMatchObject({ nameAvailable: false, reason: "AlreadyExists" });
    expect(await availability("no-dashes")).toMatchObject({ nameAvailable: false, reason: "Invalid" });
    azure().resourceGroup("elsewhere");
    const elsewhere = await refusedWith(registries().create("elsewhere", name, basic, interval));
    expect(elsewhere).toMatchObject({ status: 409, code: "AlreadyInUse" });
    const moved = await refusedWith(registries().create(group, name, { ...basic, location: "northeurope" }, interval));
    expect(moved).toMatchObject({ status: 409, code: "InvalidResourceLocation" });
  });

  test.each([
    ["no-dashes", basic, "InvalidResourceName"],
    ["four", basic, "InvalidResourceName"],
    ["nosku", { location: "westeurope" }, "MissingSku"],
    ["badsku", { ...basic, sku: { name: "Huge" } }, "InvalidSku"],
    ["nolocation", { sku: { name: "Basic" } }, "LocationRequired"],
    ["badmode", { ...basic, properties: { roleAssignmentMode: "abac" } }, "InvalidRoleAssignmentMode"],
    ["badflag", { ...basic, properties: { adminUserEnabled: "yes" } }, "InvalidRequestContent"],
    ["anonymous", { ...basic, properties: { anonymousPullEnabled: true } }, "FeatureNotSupported"],
  ])("are not made as %s", async (name, body, code) => {
    const answer = await put(name, body);
    expect([answer.status, answer.body.error.code]).toEqual([400, code]);
  });

  test("give their admin's password only where there is an admin", async () => {
    const name = fresh();
    await put(name, basic);
    expect(await refusedWith(registries().listCredentials(group, name))).toMatchObject({
      code: "UnauthorizedForCredentialOperations",
    });
    await put(name, { ...basic, properties: { adminUserEnabled: true } });
    expect(await registries().listCredentials(group, name)).toMatchObject({
      username: name,
      passwords: [{ name: "password" }],
    });
  });

  test("take no other change while one goes on", async () => {
    const name = fresh();
    azure().behaviour.operationMs = 60_000;
    try {
      await arm(azure(), owner, "PUT", `${pathOf(name)}${version}`, basic);
      for (const [method, body] of [["PUT", basic], ["PATCH", {}], ["DELETE"]] as const) {
        const answer = await arm(azure(), owner, method, `${pathOf(name)}${version}`, body);
        expect([method, answer.status, answer.body.error.code]).toEqual([method, 409, "OperationInProgress"]);
      }
    } finally {
      azure().advance(60_000);
      azure().behaviour.operationMs = 10;
    }
    expect(await registries().get(group, name)).toMatchObject({ provisioningState: "Succeeded" });
  });

  test("take what was assigned on them with them", async () => {
    const name = fresh();
    await put(name, basic);
    const who = azure().identity("orphan", { roles: { [pathOf(name)]: ["Reader"] } });
    expect((await registries(who).get(group, name)).name).toBe(name);
    await registries().delete(group, name, interval);
    await put(name, basic);
    expect(await refusedWith(registries(who).get(group, name))).toMatchObject({ code: "AuthorizationFailed" });
  });
});
