import { afterEach, describe, expect, test } from "vitest";
import { scopeMapName } from "../../../functions/azure/names.ts";
import { pushImage } from "../../../oci/client/index.ts";
import { buildImage } from "../../oci/client/images.ts";
import { errorOf } from "../../support/inputs.ts";
import {
  callsOf,
  clientOf,
  containerRegistry,
  newCall,
  openRegistry,
  seedScopeMap,
  useStack,
} from "../support/registry.ts";

const stack = useStack();
const registry = () => openRegistry(stack());
const create = (name: string, call = newCall()) => {
  const { createRepository, routeName } = registry();
  return createRepository(routeName(name), call);
};
const get = (name: string) => registry().getRepository(registry().resolveId(name), newCall());
const remove = (name: string) => registry().deleteRepository(registry().resolveId(name), newCall());
const scopeMaps = () => containerRegistry(stack()).scopeMaps;
const scopeMapOf = (name: string) => scopeMaps().get(scopeMapName(registry().resolveId(name)));
const images = () => [...containerRegistry(stack()).repositories.keys()];
const writes = () => callsOf(stack()).filter((each) => /^arm (?:PUT|PATCH|DELETE) scopeMaps$/.test(each));

async function push(name: string, tag = "1.0"): Promise<void> {
  const path = registry().resolveId(name);
  const { password } = await registry().generateCredentials({ name: path, permissions: "push-pull" }, newCall());
  await pushImage(clientOf(stack(), password.reveal()), path, tag, buildImage({ seed: name }));
}

afterEach(() => {
  const { azure } = stack();
  azure.faults.clear();
  azure.calls.length = 0;
});

describe("a repository that is created", () => {
  test("is a scope map of exactly this repository, and a name and URI that can be pushed to", async () => {
    const created = await create("team/app");
    expect(created).toEqual({
      name: "images/team/app",
      uri: `${stack().loginServer}/images/team/app`,
      createdAt: scopeMapOf("team/app")?.creationDate.toISOString(),
    });
    expect(scopeMapOf("team/app")?.actions).toEqual([
      "repositories/images/team/app/content/read",
      "repositories/images/team/app/content/write",
      "repositories/images/team/app/metadata/read",
      "repositories/images/team/app/metadata/write",
    ]);
    expect(writes()).toEqual(["arm PUT scopeMaps"]);
  });

  test("again, nothing is written", async () => {
    const created = await create("twice");
    stack().azure.calls.length = 0;
    expect(await create("twice")).toEqual(created);
    expect(await get("twice")).toEqual(created);
    expect(writes()).toEqual([]);
  });

  test.each([
    ["more", (own: readonly string[]) => [...own, "repositories/images/drifted/content/delete"]],
    ["fewer", (own: readonly string[]) => own.slice(2)],
  ])("has its scope map put right where that has got %s actions of its own", async (_, change) => {
    await create("drifted");
    const scopeMap = scopeMapOf("drifted");
    if (scopeMap === undefined) throw new Error("There is no scope map.");
    const { actions, creationDate } = scopeMap;
    scopeMap.actions = change(actions);
    stack().azure.calls.length = 0;
    expect((await create("drifted")).createdAt).toBe(creationDate.toISOString());
    expect(scopeMapOf("drifted")?.actions).toEqual(actions);
    expect(writes()).toEqual(["arm PATCH scopeMaps"]);
  });

  test("is as old as its first image, where somebody pushed before", async () => {
    await push("pushed-first");
    const found = await get("pushed-first");
    expect(await create("pushed-first")).toEqual(found);
    expect(Date.parse(found.createdAt ?? "")).toBeLessThanOrEqual(
      scopeMapOf("pushed-first")?.creationDate.getTime() ?? 0,
    );
  });

  test("while it is being deleted has to wait, and is not found", async () => {
    await create("going");
    const scopeMap = scopeMapOf("going");
    if (scopeMap === undefined) throw new Error("There is no scope map.");
    scopeMap.provisioningState = "Deleting";
    expect(await errorOf(() => create("going"))).toMatchObject({ code: "RESOURCE_CONFLICT", retryable: true });
    expect((await errorOf(() => get("going"))).code).toBe("RESOURCE_NOT_FOUND");
    scopeMaps().delete(scopeMap.name);
    expect((await create("going")).name).toBe("images/going");
  });

  test("whose scope map Azure failed to make is made anew", async () => {
    await create("broken");
    const scopeMap = scopeMapOf("broken");
    if (scopeMap === undefined) throw new Error("There is no scope map.");
    scopeMap.provisioningState = "Failed";
    stack().azure.calls.length = 0;
    await create("broken");
    expect(scopeMapOf("broken")?.provisioningState).toBe("Succeeded");
    expect(writes()).toEqual(["arm PUT scopeMaps"]);
  });

  test("has a hash in the name of its scope map where Azure's rules do not fit", async () => {
    await create("x".repeat(60));
    await create("x".repeat(61));
    const names = [...scopeMaps().keys()].filter((name) => name.includes("xxxx"));
    expect(names).toHaveLength(2);
    for (const name of names) expect(name).toMatch(/^[a-z0-9_-]{5,50}$/);
  });
});

describe("somebody else's scope map", () => {
  test.each([
    ["with another description", { description: "for the build agents" }],
    [
      "of our making, for another repository",
      { description: "Made by artifact-registry functions for this one repository." },
    ],
    ["without one", {}],
  ])("%s is neither overwritten nor deleted", async (why, parts) => {
    const name = `foreign-${why.length}`;
    const before = { ...seedScopeMap(stack(), scopeMapName(registry().resolveId(name)), parts) };
    const error = await errorOf(() => create(name));
    expect(error).toMatchObject({ code: "RESOURCE_CONFLICT", retryable: false, context: { scopeMap: before.name } });
    expect((await errorOf(() => get(name))).code).toBe("RESOURCE_NOT_FOUND");
    await push(name);
    expect((await get(name)).name).toBe(`images/${name}`);
    await remove(name);
    expect(images()).not.toContain(`images/${name}`);
    expect(scopeMapOf(name)).toEqual(before);
    expect(writes()).toEqual([]);
  });
});

describe("a repository that is deleted", () => {
  test("is gone with its images and its scope map, and nothing else is", async () => {
    for (const name of ["team", "team/app", "teams"]) {
      await create(name);
      await push(name);
    }
    await remove("team");
    expect(images()).toEqual(expect.arrayContaining(["images/team/app", "images/teams"]));
    expect(images()).not.toContain("images/team");
    expect(scopeMapOf("team")).toBeUndefined();
    expect(scopeMapOf("team/app")).toBeDefined();
    expect((await errorOf(() => get("team"))).code).toBe("RESOURCE_NOT_FOUND");
    await remove("team");
    await remove("never-created");
  });

  test("half way is still there, and finished by the same call", async () => {
    await create("half");
    await push("half");
    stack().azure.faults.add({
      fault: { kind: "error", status: 403, code: "AuthorizationFailed" },
      action: "DELETE scopeMaps",
    });
    expect((await errorOf(() => remove("half"))).code).toBe("ACCESS_DENIED");
    expect(images()).not.toContain("images/half");
    expect((await get("half")).name).toBe("images/half");
    await remove("half");
    expect((await errorOf(() => get("half"))).code).toBe("RESOURCE_NOT_FOUND");
  });

  test.each(["DELETE repository", "DELETE scopeMaps"])("%s, whose answer is lost, is repeated", async (action) => {
    await create("lost");
    await push("lost");
    stack().azure.faults.add({ fault: { kind: "lost" }, action });
    await remove("lost");
    expect([images().includes("images/lost"), scopeMapOf("lost")]).toEqual([false, undefined]);
  });

  test("but is locked stays, and the way to unlock it is told", async () => {
    await create("locked");
    await push("locked");
    const repository = containerRegistry(stack()).repositories.get("images/locked");
    if (repository === undefined) throw new Error("There is no repository.");
    repository.locks.deleteEnabled = false;
    expect(await errorOf(() => remove("locked"))).toMatchObject({
      code: "RESOURCE_CONFLICT",
      retryable: false,
      hint: expect.stringContaining("--delete-enabled true"),
    });
    expect(scopeMapOf("locked")).toBeDefined();
  });

  test("is never the bare prefix", async () => {
    const error = await errorOf(() => remove("images"));
    expect(error).toMatchObject({ code: "INVALID_INPUT", context: { field: "repoId" } });
    expect(callsOf(stack())).toEqual([]);
  });
});

describe("a registry without a prefix", () => {
  test("has its whole name space for its repositories", async () => {
    const whole = openRegistry(stack(), { prefix: "" });
    expect(whole.upstreamRepositoryPrefix).toBe("");
    const name = whole.routeName("plain-app");
    expect(await whole.createRepository(name, newCall())).toMatchObject({
      name: "plain-app",
      uri: `${stack().loginServer}/plain-app`,
    });
    const { password } = await whole.generateCredentials({ name, permissions: "push-pull" }, newCall());
    await pushImage(clientOf(stack(), password.reveal()), name, "1.0", buildImage({ seed: name }));
    await whole.deleteRepository(name, newCall());
    expect(images()).not.toContain("plain-app");
  });
});
