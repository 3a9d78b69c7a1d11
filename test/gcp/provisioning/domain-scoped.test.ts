import { expect, test } from "vitest";
import { useProject } from "./support/project.ts";
import { callsOf, isRead, stateOf } from "./support/state.ts";

const project = useProject({ project: "example.com:vendor" });
const input = { registry: "images" };

test("a registry of a domain-scoped project is made, described, derived and taken away", async () => {
  const before = stateOf(project());
  const stack = project().fresh();
  const suite = await project().openDerived({ ALIEN_STACK_PREFIX: stack, ALIEN_DOOR: "provision" });
  const { binding } = await suite.ok("provisionRegistry", input);
  expect(binding).toMatchObject({
    projectId: "example.com:vendor",
    pullServiceAccountEmail: `${stack}-images-pull@vendor.example.com.iam.gserviceaccount.com`,
  });
  expect((await suite.ok("describeRegistry", input)).health).toEqual({ status: "healthy", findings: [] });
  const again = await callsOf(project().gcp, () => suite.ok("provisionRegistry", input));
  expect(again.filter((call) => !isRead(call))).toEqual([]);
  const runtime = await project().openDerived({ ALIEN_STACK_PREFIX: stack });
  const { name } = await runtime.ok("createRepository", { ...input, name: "app" });
  expect(name).toBe(`example.com/vendor/${stack}-images/app`);
  await runtime.ok("generateCredentials", { ...input, repoId: name, permissions: "push-pull" });
  await suite.ok("deprovisionRegistry", input);
  expect(stateOf(project())).toEqual(before);
});
