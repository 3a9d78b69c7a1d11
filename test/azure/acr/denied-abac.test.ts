import { expect, test } from "vitest";
import { repositoryCondition } from "../../emulators/azure/index.ts";
import { errorOf } from "../../support/inputs.ts";
import { denialTests } from "../support/denials.ts";
import { newCall, openRegistry } from "../support/registry.ts";
import { controlRole, usualRoles } from "../support/stack.ts";

const stack = denialTests("abac");

test("an identity whose role is for one repository gets credentials for that, and is told of the others", async () => {
  const { azure, other, registryId } = stack();
  azure.assign(other("narrow"), "Container Registry Repository Writer", registryId, repositoryCondition("images/app"));
  const registry = openRegistry(stack(), { as: "narrow" });
  const mint = (name: string) =>
    registry.generateCredentials({ name: registry.routeName(name), permissions: "push-pull" }, newCall());
  expect((await mint("app")).scope).toBe("repository");
  const error = await errorOf(() => mint("other"));
  expect(error).toMatchObject({ code: "ACCESS_DENIED", context: { missing: "pull,push,metadata_read" } });
  expect(error.hint).toContain("images/other");

  const name = registry.routeName("app");
  const alsoPull = [registry.routeName("base")];
  const further = await errorOf(() =>
    registry.generateCredentials({ name, permissions: "push-pull", alsoPull }, newCall()),
  );
  expect(further).toMatchObject({ code: "ACCESS_DENIED", context: { missing: "pull,metadata_read" } });
  expect(further.hint).toContain("covers the repository images/base)");
});

test("an identity without the role for the catalog works, and is told that it lists nothing, and which role it lacks", async () => {
  const { azure, other, registryId } = stack();
  const [contributor, lister] = usualRoles.abac;
  for (const role of [contributor, controlRole]) azure.assign(other("bare"), role, registryId);
  const registry = openRegistry(stack(), { as: "bare" });
  const list = () => registry.listRepositories?.({ pageSize: 10 }, newCall());
  expect(await errorOf(async () => void (await list()))).toMatchObject({
    code: "ACCESS_DENIED",
    hint: expect.stringContaining(lister),
  });
  expect(await registry.health(newCall())).toEqual({
    status: "degraded",
    findings: [
      { message: "The function may not list the registry's repositories.", hint: expect.stringContaining(lister) },
    ],
  });
  azure.assign(other("bare"), lister, registryId);
  expect(await list()).toEqual({ items: [] });
  expect((await registry.health(newCall())).status).toBe("healthy");
});
