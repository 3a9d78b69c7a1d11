import { beforeEach, describe, expect, test } from "vitest";
import { platform } from "../../../functions/azure/index.ts";
import { askOnce } from "../../support/ask.ts";
import { provisionPermissions, useGroup } from "./support/group.ts";

const group = useGroup();
const abac = { ALIEN_ACR_ROLE_ASSIGNMENT_MODE: "rbac-abac", ALIEN_DOOR: "provision" };

const define = (without?: string) =>
  group().azure.role("Provisions registries", {
    actions: provisionPermissions.actions.filter((each) => each !== without),
    dataActions: provisionPermissions.dataActions.filter((each) => each !== without),
  });

beforeEach(() => void define());

/** All that the provision door does, in both modes, each as far as it gets. Returns the refusals' hints. */
async function life(): Promise<string[]> {
  const hints: string[] = [];
  for (const env of [abac, { ALIEN_DOOR: "provision" }]) {
    const name = group().fresh();
    // Another function serves: what this one is given lets it do nothing more.
    const serving = group().azure.identity(group().fresh("serving")).principalId;
    const ALIEN_IMAGES_BINDING = JSON.stringify(group().binding(name));
    const serve = (ids: string) => group().env({ ...env, ALIEN_IMAGES_BINDING, ALIEN_FUNCTION_PRINCIPAL_IDS: ids });
    const first = serve(`${serving},${group().identity.principalId}`);
    const then = serve(serving);
    const steps = [
      ["provisionRegistry", first],
      ["provisionRegistry", then],
      ["describeRegistry", then],
      ["deprovisionRegistry", then],
    ] as const;
    for (const [operation, variables] of steps) {
      const { answer } = await askOnce(platform, variables, { operation });
      if (answer.status === 200) continue;
      expect(answer.body).toMatchObject({ code: "ACCESS_DENIED", retryable: false });
      hints.push(String(answer.body.hint));
      break;
    }
  }
  return hints;
}

describe("the rights of the provision door's identity", () => {
  test("are enough", async () => {
    expect(await life()).toEqual([]);
  });

  test("are enough without those to look at operations: the registry itself is looked at", async () => {
    define("Microsoft.ContainerRegistry/registries/operationStatuses/read");
    expect(await life()).toEqual([]);
  });

  const isNeeded = (permission: string) => !permission.endsWith("/operationStatuses/read");
  test.each([...provisionPermissions.actions, ...provisionPermissions.dataActions].filter(isNeeded))(
    "are not enough without %s, and that is said",
    async (permission) => {
      define(permission);
      const said = permission.endsWith("pull/read")
        ? "AcrPull"
        : permission.endsWith("catalog/read")
          ? "Catalog Lister"
          : permission;
      const hints = await life();
      expect(hints.length).toBeGreaterThan(0);
      for (const hint of hints) expect(hint).toContain(said);
    },
  );
});
