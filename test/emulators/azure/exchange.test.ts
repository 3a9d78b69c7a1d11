import { decodeJwt } from "jose";
import { beforeAll, describe, expect, test } from "vitest";
import { repositoryCondition } from "./index.ts";
import { accessToken, exchange, token, useAzure } from "./support.ts";

const azure = useAzure();
const RBAC = "rbacimages";
const ABAC = "abacimages";
const REPOSITORY = "Container Registry Repository";
let count = 0;
beforeAll(async () => {
  await azure().registry(RBAC);
  await azure().registry(ABAC, { mode: "abac" });
});
const identity = (name: string, ...roles: string[]) =>
  azure().identity(`identity-${++count}`, { roles: { [azure().registryId(name)]: roles } });
const all = "pull,push,delete,metadata_read,metadata_write";
const granted = async (name: string, who: ReturnType<typeof identity>, scope: string) =>
  decodeJwt(await accessToken(azure(), name, who, scope)).access;
const repository = (name: string, ...actions: string[]) => ({ type: "repository", name, actions });

describe("tokens by roles on the whole registry", () => {
  test.each([
    [["AcrPull"], ["pull", "metadata_read"]],
    [["AcrPush"], ["pull", "push", "metadata_read", "metadata_write"]],
    [["AcrDelete"], ["delete"]],
    [
      ["AcrPull", "AcrDelete"],
      ["pull", "delete", "metadata_read"],
    ],
    [["Reader"], ["pull", "metadata_read"]],
    [["Contributor"], ["pull", "push", "delete", "metadata_read", "metadata_write"]],
  ])("%j gives %j of what is asked, and says nothing of the rest", async (roles, actions) => {
    const access = await granted(RBAC, identity(RBAC, ...roles), `repository:team/app:${all}`);
    expect(access).toEqual([repository("team/app", ...actions)]);
  });

  test("asks for less, for several, for all, and for what does not exist", async () => {
    const who = identity(RBAC, "AcrPush");
    expect(await granted(RBAC, who, "repository:team/app:pull")).toEqual([repository("team/app", "pull")]);
    expect(await granted(RBAC, who, "repository:a:pull repository:b:pull,push")).toEqual([
      repository("a", "pull"),
      repository("b", "pull", "push"),
    ]);
    expect(await granted(RBAC, who, "repository:a:*")).toEqual([
      repository("a", "pull", "metadata_read", "push", "metadata_write"),
    ]);
    expect(await granted(RBAC, who, "registry:catalog:*")).toEqual([
      { type: "registry", name: "catalog", actions: ["*"] },
    ]);
    for (const nothing of [
      "repository:a/*:pull",
      "repository:Upper:pull",
      "registry:other:*",
      "repository:a:fly",
      "",
    ]) {
      expect(await granted(RBAC, who, nothing)).toEqual([]);
    }
  });

  test("a refresh token remembers the roles of its exchange", async () => {
    const who = identity(RBAC, "AcrPull");
    const { body } = await exchange(azure(), RBAC, who);
    azure().assign(who, "AcrPush", azure().registryId(RBAC));
    const old = await token(azure(), RBAC, body.refresh_token, "repository:a:pull,push");
    expect(decodeJwt(old.body.access_token).access).toEqual([repository("a", "pull")]);
    expect(await granted(RBAC, who, "repository:a:pull,push")).toEqual([repository("a", "pull", "push")]);
  });

  test("the roles of repositories, and of another registry, open nothing", async () => {
    expect((await exchange(azure(), RBAC, identity(RBAC, `${REPOSITORY} Contributor`))).status).toBe(401);
    expect((await exchange(azure(), RBAC, identity(ABAC, "Owner"))).status).toBe(401);
  });
});

describe("tokens by roles on repositories", () => {
  test.each([
    [[`${REPOSITORY} Reader`], ["pull", "metadata_read"]],
    [[`${REPOSITORY} Writer`], ["pull", "push", "metadata_read", "metadata_write"]],
    [[`${REPOSITORY} Contributor`], ["pull", "push", "delete", "metadata_read", "metadata_write"]],
  ])("%j gives %j of what is asked", async (roles, actions) => {
    const who = identity(ABAC, ...roles);
    expect(await granted(ABAC, who, `repository:team/app:${all}`)).toEqual([repository("team/app", ...actions)]);
    expect(await granted(ABAC, who, "registry:catalog:*")).toEqual([]);
  });

  test.each(["AcrPull", "AcrPush", "AcrDelete", "Owner", "Contributor", "Reader"])("%s opens nothing", async (role) => {
    const { status, body } = await exchange(azure(), ABAC, identity(ABAC, role));
    expect([status, body.errors[0].code]).toEqual([401, "UNAUTHORIZED"]);
  });

  test("the lister of the catalog reads no repository", async () => {
    const who = identity(ABAC, `${REPOSITORY} Catalog Lister`);
    expect(await granted(ABAC, who, `registry:catalog:* repository:a:${all}`)).toEqual([
      { type: "registry", name: "catalog", actions: ["*"] },
    ]);
  });

  test("a condition narrows a role to a repository, or to those below a prefix", async () => {
    const who = identity(ABAC);
    azure().assign(who, `${REPOSITORY} Writer`, azure().registryId(ABAC), repositoryCondition("team/app"));
    azure().assign(who, `${REPOSITORY} Reader`, azure().registryId(ABAC), repositoryCondition("shared/"));
    const access = await granted(
      ABAC,
      who,
      "repository:team/app:pull,push repository:team:pull repository:shared/a:pull,push",
    );
    expect(access).toEqual([repository("team/app", "pull", "push"), repository("shared/a", "pull")]);
  });
});

describe("roles", () => {
  test("count for what is below their scope", async () => {
    const group = azure().resourceGroup(azure().resourceGroupName);
    for (const scope of [group, `/subscriptions/${azure().subscription}`]) {
      const who = azure().identity(`identity-${++count}`, { roles: { [scope]: ["AcrPull"] } });
      expect(await granted(RBAC, who, "repository:a:pull")).toEqual([repository("a", "pull")]);
    }
    const elsewhere = azure().resourceGroup("elsewhere");
    const who = azure().identity(`identity-${++count}`, { roles: { [elsewhere]: ["Owner"] } });
    expect((await exchange(azure(), RBAC, who)).status).toBe(401);
  });

  test("may be an operator's own", async () => {
    azure().role("Pusher", { actions: ["Microsoft.ContainerRegistry/registries/push/write"] });
    expect(await granted(RBAC, identity(RBAC, "Pusher"), "repository:a:pull,push")).toEqual([repository("a", "push")]);
  });

  test("that were taken away open nothing any more", async () => {
    const who = identity(RBAC, "AcrPull");
    azure().unassign(who, "AcrPull");
    expect((await exchange(azure(), RBAC, who)).status).toBe(401);
  });
});
