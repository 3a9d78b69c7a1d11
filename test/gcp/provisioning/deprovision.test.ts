import { beforeEach, describe, expect, test } from "vitest";
import { ownershipLabel } from "../../../functions/gcp/gar/own-repository.ts";
import { useProject } from "./support/project.ts";
import { actionsOf, callsOf, isRead, stateOf } from "./support/state.ts";

const project = useProject();
const input = { registry: "images" };
const deleting = { ...input, deleteRepositories: true };

async function registry(id = project().fresh()) {
  const suite = await project().open(id);
  await suite.ok("provisionRegistry", input);
  return { id, suite };
}

beforeEach(() => project().gcp.faults.clear());

describe("refuses, and changes nothing,", () => {
  test("while the registry holds images, with their number", async () => {
    const { id, suite } = await registry();
    for (const image of ["a", "b", "team/c"]) await project().push(id, image);
    const before = stateOf(project());
    const calls = await callsOf(project().gcp, async () => {
      const { body } = await suite.refused("deprovisionRegistry", input);
      expect(body).toMatchObject({ code: "RESOURCE_CONFLICT", retryable: false, context: { repositories: 3 } });
      expect(body.hint).toContain("deleteRepositories");
    });
    expect(actionsOf(calls)).toEqual(["artifactregistry:GetRepository", "artifactregistry:ListPackages"]);
    expect(stateOf(project())).toEqual(before);
  });

  test("an image that is pushed while it looks away is not deleted", async () => {
    const { id, suite } = await registry();
    project().gcp.faults.before = async ({ action }) => {
      if (action !== "DeleteServiceAccount") return;
      project().gcp.faults.clear();
      await project().push(id);
    };
    const { body } = await suite.refused("deprovisionRegistry", input);
    expect(body).toMatchObject({ code: "RESOURCE_CONFLICT", retryable: false, context: { repositories: 1 } });
    expect([...(project().repository(id)?.packages.keys() ?? [])]).toEqual(["app"]);
    await suite.refused("deprovisionRegistry", input);
    await suite.ok("deprovisionRegistry", deleting);
    expect(project().repository(id)).toBeUndefined();
  });
});

describe("removes", () => {
  test("everything of an empty registry, and nothing of another", async () => {
    const other = await registry();
    await project().push(other.id);
    const before = stateOf(project());
    const { suite } = await registry();
    const calls = await callsOf(project().gcp, () => suite.ok("deprovisionRegistry", input));
    expect(stateOf(project())).toEqual(before);
    expect(actionsOf(calls).filter((call) => !call.endsWith(":GetOperation"))).toEqual([
      "artifactregistry:GetRepository",
      "artifactregistry:ListPackages",
      "iam:GetServiceAccount",
      "iam:DeleteServiceAccount",
      "iam:GetServiceAccount",
      "iam:DeleteServiceAccount",
      "artifactregistry:ListPackages",
      "artifactregistry:DeleteRepository",
    ]);
  });

  test("images too, when told, without looking at them", async () => {
    const before = stateOf(project());
    const { id, suite } = await registry();
    for (const image of ["a", "team/b"]) await project().push(id, image);
    const calls = await callsOf(project().gcp, () => suite.ok("deprovisionRegistry", deleting));
    expect(stateOf(project())).toEqual(before);
    expect(actionsOf(calls)).not.toContain("artifactregistry:ListPackages");
  });

  test.each([{}, { deleteRepositories: true }])("again with %j, and nothing happens", async (more) => {
    const { suite } = await registry();
    await suite.ok("deprovisionRegistry", input);
    const calls = await callsOf(project().gcp, () => suite.ok("deprovisionRegistry", { ...input, ...more }));
    expect(actionsOf(calls)).toEqual([
      "artifactregistry:GetRepository",
      "iam:GetServiceAccount",
      "iam:GetServiceAccount",
    ]);
  });

  test("what was adopted", async () => {
    const before = stateOf(project());
    const id = project().fresh();
    project().seedOwn(id);
    project().seedAccount(`${id}-push`, id);
    const { suite } = await registry(id);
    await suite.ok("deprovisionRegistry", input);
    expect(stateOf(project())).toEqual(before);
  });

  test("nothing of a registry that never was", async () => {
    const id = project().fresh();
    project().seedRepository(id, { [ownershipLabel]: "other" });
    await project().push(id);
    for (const kind of ["pull", "push"]) project().seedAccount(`${id}-${kind}`);
    const before = stateOf(project());
    const calls = await callsOf(project().gcp, async () => {
      await (await project().open(id)).ok("deprovisionRegistry", deleting);
    });
    expect(calls.filter((call) => !isRead(call))).toEqual([]);
    expect(stateOf(project())).toEqual(before);
  });

  test("our account beside one that has become somebody's, and beside a repository that has", async () => {
    const { id, suite } = await registry();
    Object.assign(project().account(`${id}-push`) ?? {}, { description: "Mine now." });
    Object.assign(project().repository(id) ?? {}, { labels: {} });
    await suite.ok("deprovisionRegistry", deleting);
    expect(project().account(`${id}-pull`)).toBeUndefined();
    expect(project().account(`${id}-push`)).toBeDefined();
    expect(project().repository(id)).toBeDefined();
  });

  test("an account of ours that is disabled", async () => {
    const { id, suite } = await registry();
    Object.assign(project().account(`${id}-push`) ?? {}, { disabled: true });
    await suite.ok("deprovisionRegistry", input);
    expect(project().account(`${id}-push`)).toBeUndefined();
  });

  test("never an account that took the name after it was looked at", async () => {
    const { id, suite } = await registry();
    project().gcp.faults.before = ({ action }) => {
      if (action !== "DeleteServiceAccount") return;
      project().gcp.faults.clear();
      project().gcp.deleteServiceAccount(project().email(`${id}-pull`));
      project().seedAccount(`${id}-pull`);
    };
    await suite.ok("deprovisionRegistry", input);
    expect(project().account(`${id}-pull`)?.description).toBe("Somebody's.");
  });

  test("grants too: a registry that is made again gives nobody what its predecessor gave", async () => {
    const { id, suite } = await registry();
    const access = {
      type: "gcp",
      projectNumbers: ["444455556666"],
      serviceAccountEmails: [],
      allowedServiceTypes: ["worker"],
    };
    await suite.ok("addCrossAccountAccess", { ...input, repoId: "app", access });
    const granted = JSON.stringify(project().gcp.policy(project().name(id)));
    expect(granted).toContain("service-444455556666@");
    await suite.ok("deprovisionRegistry", input);
    await suite.ok("provisionRegistry", input);
    expect(JSON.stringify(project().gcp.policy(project().name(id)))).not.toContain("service-444455556666@");
  });

  test("a deletion that fails is an error that says why, and the same call again finishes it", async () => {
    const before = stateOf(project());
    const { id, suite } = await registry();
    const fault = { kind: "operation", status: "PERMISSION_DENIED" } as const;
    project().gcp.faults.add({ fault, action: "DeleteRepository" });
    const { body } = await suite.refused("deprovisionRegistry", input);
    expect(body).toMatchObject({ code: "ACCESS_DENIED", retryable: false });
    expect(body.hint).toContain("artifactregistry.repositories.delete");
    expect(project().repository(id)).toBeDefined();
    await suite.ok("deprovisionRegistry", input);
    expect(stateOf(project())).toEqual(before);
  });
});
