import { afterEach, describe, expect, test } from "vitest";
import { permissionsOn } from "../../infra/support/gcp-roles.ts";
import { type Arranged, ask, disturb, faults, plan, undisturbed } from "./support/faults.ts";
import { type Project, useProject } from "./support/project.ts";
import { isControl, isRead } from "./support/state.ts";

const project = useProject();

const provision: Arranged = { operation: "provisionRegistry", arrange: async () => undefined };

async function provisioned(id: string): Promise<void> {
  expect((await ask(project(), { ...provision, id })).answer.status).toBe(200);
}

/** The value of a tag that the function may attach. */
function tagOf({ gcp }: Project): string {
  const [made = gcp.tag("registries", "provisioned")] = gcp.world.tags.values();
  const role = gcp.role("tagBinding", permissionsOn("provision", "tag"));
  gcp.serviceAccount("function", { roles: { [made.valueId]: [role] } });
  return made.valueId;
}
const tagged = { ...provision, env: (project: Project) => ({ ALIEN_REGISTRY_TAG: tagOf(project) }) };

const scenarios: Readonly<Record<string, Arranged>> = {
  "provisionRegistry from nothing": provision,
  "provisionRegistry from nothing, with a tag": tagged,
  "provisionRegistry that mends": {
    ...provision,
    async arrange(project, id) {
      await provisioned(id);
      project.gcp.deleteServiceAccount(project.email(`${id}-push`));
      project.gcp.setPolicy(project.email(`${id}-pull`), []);
    },
  },
  "deprovisionRegistry of an empty registry": {
    operation: "deprovisionRegistry",
    arrange: (_project, id) => provisioned(id),
  },
  "deprovisionRegistry with everything in it": {
    operation: "deprovisionRegistry",
    input: { deleteRepositories: true },
    async arrange(project, id) {
      await provisioned(id);
      await project.push(id, "team/app");
    },
  },
};

afterEach(() => project().gcp.faults.clear());

describe.each(Object.entries(scenarios))("%s", (_title, scenario) => {
  test("ends well, or with an error that a repeated call finishes, whatever happens to any request", async () => {
    const reference = await undisturbed(project(), scenario);
    expect(reference.calls.filter((call) => !isRead(call)).length).toBeGreaterThan(2);
    for (const { target, faults } of plan(reference)) {
      for (const each of faults) {
        await disturb(project(), scenario, reference, target, each).catch((error: unknown) => {
          throw new Error(`${each.fault.kind} at the ${target.nth}. ${target.service} ${target.action}`, {
            cause: error,
          });
        });
      }
    }
  });

  test.each(faults)("$fault.kind, once at every kind of request, is not even noticed", async ({ fault }) => {
    const id = project().fresh();
    await scenario.arrange(project(), id);
    const seen = new Set<string>();
    project().gcp.faults.add({
      fault,
      matches: (call) => isControl(call) && seen.size < seen.add(`${call.service} ${call.action}`).size,
      times: Number.POSITIVE_INFINITY,
    });
    const { answer } = await ask(project(), { ...scenario, id }, { attempts: 3, baseMs: 1, capMs: 5 });
    expect([answer.status, answer.text]).toEqual([200, expect.anything()]);
    expect(seen.size).toBeGreaterThan(4);
  });
});
