import { beforeEach, describe, expect, test } from "vitest";
import { doorRoles, type RoleMode, rolePermissions } from "../../../infra/support/azure-roles.ts";
import { errorOf } from "../../../support/inputs.ts";
import { newCall, openRegistry, useStack } from "../../support/registry.ts";
import { alone, assignDoor, assignRoles, doorWork, rolesFor } from "./door.ts";

/** What each door's own work is, in the order of a repository's life. The oidc door has its own, below. */
const work = {
  platform: [
    "create",
    "images",
    "push",
    "pull",
    "get",
    "list",
    "images",
    "deleteImage",
    "describe",
    "fillUp",
    "delete",
  ],
  events: ["create", "get", "fillUp"],
} as const;
const doors = Object.keys(work) as (keyof typeof work)[];
/** Without it the resource itself is looked at, which tells less of what failed. */
const sparesLook = (permission: string) => permission.endsWith("/operationStatuses/read");

/** Under the roles that infra/azure gives, each door does its work, and nothing else. */
export function doorTests(mode: RoleMode): void {
  const stack = useStack({
    mode: mode === "rbac" ? "rbac" : "abac",
    identities: Object.fromEntries([...doors, "oidc"].map((door) => [door, []])),
  });
  const assign = (door: string, without?: string) =>
    assignDoor(stack(), door, { principal: stack().other(door), mode, ...(without !== undefined && { without }) });
  let count = 0;
  const workOf = (door: string) => doorWork(stack(), door, `app-${++count}`);

  describe.each(doors)(`the %s door of infra/azure, on a registry with the mode ${mode}`, (door) => {
    beforeEach(() => assign(door));

    test("may do its work", async () => {
      const steps = workOf(door);
      for (const step of work[door]) await steps[step]();
    });

    const permissions = doorRoles[door]?.registry.concerns.flatMap((concern) => rolePermissions[concern] ?? []);
    test.each(permissions?.filter((each) => !sparesLook(each)) ?? [])("needs %s", async (permission) => {
      assign(door, permission);
      const steps = workOf(door);
      const life = async () => {
        for (const step of work[door]) await steps[step]();
      };
      expect(await errorOf(life)).toMatchObject({ code: "ACCESS_DENIED", retryable: false });
    });
  });

  test.each(doors)(
    "the %s door works without looking at operations, which costs one refusal for each",
    async (door) => {
      assign(door, "Microsoft.ContainerRegistry/registries/scopeMaps/operationStatuses/read");
      stack().azure.calls.length = 0;
      await workOf(door).create();
      const looks = stack().azure.calls.filter(({ action }) => action.startsWith("GET operationStatuses"));
      expect(looks.map(({ outcome }) => outcome)).toEqual(["AuthorizationFailed"]);
      assign(door);
    },
  );

  test("the events door neither pushes nor deletes", async () => {
    assign("events");
    const steps = workOf("events");
    await steps.create();
    for (const step of ["push", "deleteImage", "delete"] as const) {
      expect(await errorOf(async () => void (await steps[step]()))).toMatchObject({ code: "ACCESS_DENIED" });
    }
  });

  describe.each([
    ["createRepository", "create"],
    ["setupRepository", "create"],
    ["getRepository", "get"],
    ["describeRegistry", "describe"],
    ["generateCredentials", "pull"],
    ["push-pull", "push"],
    ["deleteRepository", "delete"],
    ["listRepositories", "list"],
    ["listImages", "images"],
    ["deleteImage", "deleteImage"],
  ] as const)("the public door of infra/azure, where rules allow %s only", (operation, step) => {
    const given = rolesFor(operation, mode);
    const run = async (roles: typeof given) => {
      const { platform, oidc } = { platform: stack().other("platform"), oidc: stack().other("oidc") };
      assignDoor(stack(), "platform", { principal: platform, mode });
      assignRoles(stack(), oidc, mode, roles);
      const name = `app-${++count}`;
      if (step !== "create") await doorWork(stack(), "platform", name).create();
      await doorWork(stack(), "oidc", name)[step]();
    };

    test("has enough roles", () => run(given));

    test.each(alone(given.builtIn))("needs %s", async (role) => {
      const fewer = { ...given, builtIn: given.builtIn.filter((each) => each !== role) };
      expect(await errorOf(() => run(fewer))).toMatchObject({ code: "ACCESS_DENIED" });
    });

    test.each(given.concerns)("needs %s", async (concern) => {
      const fewer = { ...given, concerns: given.concerns.filter((each) => each !== concern) };
      expect(await errorOf(() => run(fewer))).toMatchObject({ code: "ACCESS_DENIED" });
    });
  });

  if (mode === "rbac-abac") {
    test.each(["platform", "events"])("the %s door's identity reaches no images beside its prefix", async (door) => {
      assign(door);
      for (const prefix of ["other", "images-old", "imagesold"]) {
        const registry = openRegistry(stack(), { prefix, as: door });
        const mint = () =>
          registry.generateCredentials({ name: registry.routeName("app"), permissions: "pull" }, newCall());
        expect(await errorOf(mint), prefix).toMatchObject({ code: "ACCESS_DENIED" });
      }
    });
  }
}
