import { describe, expect, test } from "vitest";
import { ownershipTagKey } from "../../../functions/aws/names.ts";
import { readPlace } from "../../../functions/aws/place.ts";
import { call, startDoor } from "../least-privilege/support/function.ts";
import { scope } from "../least-privilege/support/scope.ts";
import { useAccount } from "./support/account.ts";
import { isRead } from "./support/state.ts";

const account = useAccount();
const path = { ALIEN_ROLE_PATH: "/acme/" };
const registry = "images";

describe("ALIEN_ROLE_PATH", () => {
  test("is where new roles are made, what is bound, and what is taken away again", async () => {
    const prefix = account().fresh();
    const suite = await account().open(prefix, { env: path });
    const { binding } = await suite.ok("provisionRegistry", { registry });
    const arn = (kind: string) => `arn:aws:iam::${account().stack.account}:role/acme/${prefix}-${kind}`;
    expect(binding).toMatchObject({ pullRoleArn: arn("pull"), pushRoleArn: arn("push") });
    expect(account().role(`${prefix}-push`)?.arn).toBe(arn("push"));
    expect(await suite.ok("provisionRegistry", { registry })).toEqual({ binding });
    await suite.ok("deprovisionRegistry", { registry });
    expect(account().role(`${prefix}-push`)).toBeUndefined();
  });

  test("is where the roles of a derived registry are looked for", async () => {
    const stack = account().fresh();
    const suite = await account().openDerived({ ALIEN_STACK_PREFIX: stack, ...path });
    await suite.ok("provisionRegistry", { registry });
    await suite.ok("createRepository", { registry, name: "app" });
    const minted = { registry, repoId: `${stack}-images-app`, permissions: "pull", ttlSeconds: 900 };
    expect(await suite.ok("generateCredentials", minted)).toMatchObject({ username: "AWS" });
    const { emulator } = account();
    const roles = emulator.calls.filter(({ action }) => action === "AssumeRole").map(({ input }) => input.RoleArn);
    expect(roles.at(-1)).toContain(`:role/acme/${stack}-images-pull`);
  });

  test("a role of ours that is on another path is refused: IAM cannot move it", async () => {
    const prefix = account().fresh();
    const { emulator, stack } = account();
    emulator.role(stack.account, `${prefix}-pull`, { tags: { [ownershipTagKey]: prefix } });
    const suite = await account().open(prefix, { env: path });
    const from = emulator.calls.length;
    const { body } = await suite.refused("provisionRegistry", { registry });
    expect(body).toMatchObject({ code: "BINDING_CONFIG_INVALID", hint: expect.stringContaining("ALIEN_ROLE_PATH") });
    expect(emulator.calls.slice(from).filter((each) => !isRead(each))).toEqual([]);
  });

  test.each(["acme", "/acme", "acme/", "/a b/", "//", `/${"a".repeat(512)}/`])("%s is none", (ALIEN_ROLE_PATH) => {
    expect(() => readPlace({ AWS_REGION: "us-east-1", ALIEN_ROLE_PATH })).toThrow(
      expect.objectContaining({ code: "BINDING_CONFIG_INVALID" }),
    );
  });
});

test("the provision door's rights are enough on a path", async () => {
  const door = await startDoor("provision", { ...scope, rolePath: "/acme/" });
  try {
    const { provisioning } = await door.registry("builds");
    const { directory } = door.stack.emulator.world;
    await provisioning?.provision({}, call());
    const role = directory.account(scope.account).roles.get("acme-builds-pull");
    expect(role?.path).toBe("/acme/");
    // It finds its way back from what somebody changed.
    if (role)
      Object.assign(role, {
        boundary: undefined,
        maxSessionDuration: 3_600,
        trust: { ...role.trust, document: { Version: "2012-10-17", Statement: [] } },
      });
    await provisioning?.provision({}, call());
    expect(role).toMatchObject({ boundary: scope.boundaryArn, maxSessionDuration: 43_200 });
    await provisioning?.deprovision({ deleteRepositories: true }, call());
    expect(directory.account(scope.account).roles.has("acme-builds-pull")).toBe(false);
  } finally {
    await door.stack.stop();
  }
});
