import { randomUUID } from "node:crypto";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Principal, repositoryCondition } from "./index.ts";
import { authorizationClient, exchange, managementClient, refusedWith, useAzure } from "./support.ts";

const azure = useAzure();
let owner: Principal;
let scope = "";
let count = 0;
beforeAll(async () => {
  await azure().registry("images");
  await azure().registry("abacimages", { mode: "abac" });
  scope = azure().registryId("images");
  owner = azure().identity("owner", { roles: { [`/subscriptions/${azure().subscription}`]: ["Owner"] } });
});
afterEach(() => {
  azure().behaviour.roleDelayMs = 0;
});
const assignments = (who = owner) => authorizationClient(azure(), who).roleAssignments;
const someone = () => azure().identity(`someone-${++count}`);
const role = (name: string) => {
  const found = azure().world.roles.find(name);
  if (found === undefined) throw new Error(`There is no role ${name}.`);
  return `/subscriptions/${azure().subscription}/providers/Microsoft.Authorization/roleDefinitions/${found.id}`;
};
const pull = ({ principalId }: Principal) => ({ principalId, roleDefinitionId: role("AcrPull") });

describe("role assignments", () => {
  test("are made, found and deleted by Azure's own client, and count", async () => {
    const who = someone();
    const name = randomUUID();
    expect((await exchange(azure(), "images", who)).status).toBe(401);
    const made = await assignments().create(scope, name, { ...pull(who), principalType: "ServicePrincipal" });
    expect(made).toMatchObject({ name, scope, principalId: who.principalId, roleDefinitionId: role("AcrPull") });
    expect((await exchange(azure(), "images", who)).status).toBe(200);
    expect(await assignments().get(scope, name)).toEqual(made);
    const found = [];
    for await (const one of assignments().listForScope(scope, { filter: `principalId eq '${who.principalId}'` })) {
      found.push(one.name);
    }
    expect(found).toEqual([name]);
    expect((await assignments().delete(scope, name)).name).toBe(name);
    expect((await assignments().delete(scope, name)).name).toBeUndefined();
    expect(await refusedWith(assignments().get(scope, name))).toMatchObject({ code: "RoleAssignmentNotFound" });
    expect((await exchange(azure(), "images", who)).status).toBe(401);
  });

  test("are one for each scope, role and principal", async () => {
    const who = someone();
    const name = randomUUID();
    const made = await assignments().create(scope, name, pull(who));
    expect(await assignments().create(scope, name, pull(who))).toEqual(made);
    const twin = await refusedWith(assignments().create(scope, randomUUID(), pull(who)));
    expect(twin).toMatchObject({ status: 409, code: "RoleAssignmentExists" });
    const other = await refusedWith(assignments().create(scope, name, pull(someone())));
    expect(other).toMatchObject({ status: 400, code: "RoleAssignmentUpdateNotPermitted" });
  });

  test("are for principals that are seen, or whose type is told", async () => {
    const late = azure().world.directory.add({
      name: "late",
      type: "ServicePrincipal",
      visibleFrom: new Date(Date.now() + 60_000),
    });
    const create = (more: object = {}) => assignments().create(scope, randomUUID(), { ...pull(late), ...more });
    expect(await refusedWith(create())).toMatchObject({ status: 400, code: "PrincipalNotFound" });
    await create({ principalType: "ServicePrincipal" });
    const wrong = assignments().create(scope, randomUUID(), { ...pull(someone()), principalType: "User" });
    expect(await refusedWith(wrong)).toMatchObject({ status: 400, code: "UnmatchedPrincipalType" });
  });

  test("are refused for other names, roles, scopes and conditions", async () => {
    const create = (at: string, name: string, more: object = {}) =>
      refusedWith(assignments().create(at, name, { ...pull(someone()), ...more }));
    expect(await create(scope, "not-a-guid")).toMatchObject({ code: "InvalidRoleAssignmentId" });
    const unknown = role("AcrPull").replace(/[^/]+$/, randomUUID());
    expect(await create(scope, randomUUID(), { roleDefinitionId: unknown })).toMatchObject({
      code: "RoleDefinitionDoesNotExist",
    });
    expect(await create(scope.replace("images", "missing"), randomUUID())).toMatchObject({ code: "ResourceNotFound" });
    const condition = { condition: repositoryCondition("team/app"), conditionVersion: "2.0" };
    expect((await create(scope, randomUUID(), condition)).code).toBe("InvalidConditionOrConditionVersion");
    const reader = { roleDefinitionId: role("Container Registry Repository Reader"), conditionVersion: "2.0" };
    for (const text of ["", "@Request[x] StringEquals 'a'", "(ActionMatches{'a'}", "@Resource[a:b] StringEquals 'c'"]) {
      const { code } = await create(scope, randomUUID(), { ...reader, condition: text });
      expect(code, text).toBe("InvalidConditionOrConditionVersion");
    }
  });

  test("take effect late where they are told to, and end late", async () => {
    azure().behaviour.roleDelayMs = 600_000;
    const who = someone();
    const name = randomUUID();
    await assignments().create(scope, name, pull(who));
    expect((await exchange(azure(), "images", who)).status).toBe(401);
    azure().advance(600_000);
    expect((await exchange(azure(), "images", who)).status).toBe(200);
    await assignments().delete(scope, name);
    expect((await exchange(azure(), "images", who)).status).toBe(200);
    azure().advance(600_000);
    expect((await exchange(azure(), "images", who)).status).toBe(401);
  });

  test("are made by those only who may", async () => {
    const contributor = azure().identity("contributor", { roles: { [scope]: ["Contributor"] } });
    const refused = await refusedWith(assignments(contributor).create(scope, randomUUID(), pull(someone())));
    expect(refused).toMatchObject({ status: 403, code: "AuthorizationFailed" });
    expect(refused.message).toContain("'Microsoft.Authorization/roleAssignments/write'");
    const administrator = azure().identity("administrator", {
      roles: { [scope]: ["Role Based Access Control Administrator"] },
    });
    await assignments(administrator).create(scope, randomUUID(), pull(someone()));
    const other = azure().registryId("abacimages");
    expect((await refusedWith(assignments(administrator).create(other, randomUUID(), pull(someone())))).status).toBe(
      403,
    );
  });

  test("are held to the roles and principals of a condition", async () => {
    const [taker, another, holder] = [someone(), someone(), someone()];
    const limit = (verb: string, source: string) => {
      const type = "Microsoft.Authorization/roleAssignments";
      const roles = `{${randomUUID()}, ${role("AcrPull").split("/").at(-1)}}`;
      return (
        `((!(ActionMatches{'${type}/${verb}'})) OR (${source}[${type}:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals ${roles}` +
        ` AND ${source}[${type}:PrincipalId] ForAnyOfAnyValues:GuidEquals {${taker.principalId}}))`
      );
    };
    const condition = `${limit("write", "@Request")} AND ${limit("delete", "@Resource")}`;
    azure().assign(holder, "Role Based Access Control Administrator", scope, condition);
    const mine = assignments(holder);
    const name = randomUUID();
    await mine.create(scope, name, pull(taker));
    for (const wrong of [pull(another), { ...pull(taker), roleDefinitionId: role("Owner") }, pull(holder)]) {
      const refused = await refusedWith(mine.create(scope, randomUUID(), wrong));
      expect(refused).toMatchObject({ status: 403, code: "AuthorizationFailed" });
    }
    const others = randomUUID();
    await assignments().create(scope, others, pull(another));
    expect((await mine.get(scope, others)).principalId).toBe(another.principalId);
    expect(await refusedWith(mine.delete(scope, others))).toMatchObject({ status: 403 });
    expect((await mine.delete(scope, name)).name).toBe(name);
  });

  test("narrow by a condition in Azure's own form", async () => {
    const who = someone();
    const read = "Microsoft.ContainerRegistry/registries/repositories/content/read";
    const condition = `( ( !(ActionMatches{'${read}'}) AND !(ActionMatches{'${read.replace("content", "metadata")}'}) ) OR ( @Request[Microsoft.ContainerRegistry/registries/repositories:name] StringStartsWithIgnoreCase 'Team/' ))`;
    const at = azure().registryId("abacimages");
    const roleDefinitionId = role("Container Registry Repository Writer");
    const given = { roleDefinitionId, principalId: who.principalId, condition, conditionVersion: "2.0" };
    expect(await assignments().create(at, randomUUID(), given)).toMatchObject({ condition, conditionVersion: "2.0" });
    const allows = (what: string, repository: string) =>
      azure().world.assignments.allows({
        principalId: who.principalId,
        action: `Microsoft.ContainerRegistry/registries/repositories/${what}`,
        kind: "data",
        scope: at,
        repository,
      });
    expect([allows("content/read", "team/app"), allows("content/read", "other")]).toEqual([true, false]);
    expect(allows("content/write", "other")).toBe(true);
  });
});

test("role definitions are found by their name", async () => {
  const definitions = authorizationClient(azure(), owner).roleDefinitions;
  const found = [];
  for await (const one of definitions.list(scope, { filter: "roleName eq 'AcrPush'" })) found.push(one);
  expect(found).toMatchObject([{ id: role("AcrPush"), roleName: "AcrPush", roleType: "BuiltInRole" }]);
  expect(await definitions.get(scope, found[0]?.name ?? "")).toEqual(found[0]);
  expect(await refusedWith(definitions.get(scope, randomUUID()))).toMatchObject({ code: "RoleDefinitionDoesNotExist" });
});

test("a role on a registry lets nobody read another", async () => {
  const who = azure().identity("narrow", { roles: { [scope]: ["Reader"] } });
  const { registries } = managementClient(azure(), who);
  expect((await registries.get(azure().resourceGroupName, "images")).name).toBe("images");
  expect(await refusedWith(registries.get(azure().resourceGroupName, "abacimages"))).toMatchObject({ status: 403 });
});
