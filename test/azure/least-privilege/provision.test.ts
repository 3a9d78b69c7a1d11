import { randomUUID } from "node:crypto";
import { beforeEach, expect, test } from "vitest";
import { platform } from "../../../functions/azure/index.ts";
import { authorizationClient, refusedWith } from "../../emulators/azure/support.ts";
import { doorRoles, grantable, grantCondition, rolePermissions } from "../../infra/support/azure-roles.ts";
import { askOnce } from "../../support/ask.ts";
import { type Group, useGroup } from "../provisioning/support/group.ts";
import { customRole } from "./support/roles.ts";

const group = useGroup({ actions: [], dataActions: [] });
const { concerns, rbac, "rbac-abac": abac } = doorRoles.provision?.group ?? { concerns: [], rbac: [], "rbac-abac": [] };
const modes = ["rbac", "rbac-abac"] as const;

let serving: ReturnType<Group["azure"]["identity"]>;
let scopeMapRole: string;

/** The provision door's identity as infra/azure makes it; one permission may be left out. */
function arrange(without?: string): void {
  const { azure, identity } = group();
  const scope = azure.resourceGroup(azure.resourceGroupName);
  serving = azure.identity(group().fresh("serving"));
  scopeMapRole = customRole(azure, "repositories").id;
  const condition = grantCondition([...Object.values(grantable), scopeMapRole], [serving.principalId]);
  for (const concern of concerns) {
    const { name } = customRole(azure, concern, without);
    azure.unassign(identity, name);
    azure.assign(identity, name, scope, concern === "provisioning_grants" ? condition : undefined);
  }
  for (const role of [...rbac, ...abac]) {
    azure.unassign(identity, role);
    azure.assign(identity, role, scope);
  }
}

beforeEach(() => arrange());

/** All that the door does, in both modes, each as far as it gets. Returns the refusals. */
async function life(): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const refused: Readonly<Record<string, unknown>>[] = [];
  for (const mode of modes) {
    const name = group().fresh();
    const env = group().env({
      ALIEN_DOOR: "provision",
      ALIEN_ACR_ROLE_ASSIGNMENT_MODE: mode,
      ALIEN_IMAGES_BINDING: JSON.stringify(group().binding(name)),
      ALIEN_FUNCTION_PRINCIPAL_IDS: serving.principalId,
      ALIEN_SCOPE_MAP_ROLE_ID: scopeMapRole,
    });
    for (const operation of ["provisionRegistry", "describeRegistry", "deprovisionRegistry"]) {
      const { answer } = await askOnce(platform, env, { operation });
      if (answer.status === 200) continue;
      refused.push(answer.body);
      break;
    }
  }
  return refused;
}

test("the provision door's identity may do its work, with the roles that infra/azure gives it", async () => {
  expect(await life()).toEqual([]);
});

const permissions = concerns.flatMap((concern) => rolePermissions[concern] ?? []);
// Without that one, the registry itself is looked at.
const isNeeded = (permission: string) => !permission.endsWith("/operationStatuses/read");

test.each(permissions.filter(isNeeded))("it needs %s", async (permission) => {
  arrange(permission);
  const refused = await life();
  expect(refused.length).toBeGreaterThan(0);
  for (const body of refused) expect(body).toMatchObject({ code: "ACCESS_DENIED" });
});

test("it gives nobody else a role, itself included, and no other role to anybody", async () => {
  const { azure, identity } = group();
  const name = group().fresh();
  await group().seed(name);
  const { roleAssignments } = authorizationClient(azure, identity);
  const assign = (role: string, principalId: string) => {
    const id = azure.world.roles.find(role)?.id;
    const roleDefinitionId = `/subscriptions/${azure.subscription}/providers/Microsoft.Authorization/roleDefinitions/${id}`;
    return roleAssignments.create(group().scope(name), randomUUID(), { roleDefinitionId, principalId });
  };
  for (const role of ["Owner", "Contributor", "User Access Administrator", "AcrPull"]) {
    expect(await refusedWith(assign(role, serving.principalId)), role).toMatchObject({ status: 403 });
  }
  const other = azure.identity(group().fresh("other"));
  for (const { principalId } of [identity, other]) {
    expect(await refusedWith(assign("AcrPush", principalId))).toMatchObject({ status: 403 });
  }
  await assign("AcrPush", serving.principalId);

  const theirs = azure.assign(other, "AcrPull", group().scope(name));
  expect(await refusedWith(roleAssignments.delete(group().scope(name), theirs))).toMatchObject({ status: 403 });
});
