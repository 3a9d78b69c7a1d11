import { expect, test } from "vitest";
import { packageAt } from "../../emulators/gcp/artifact-registry/repository.ts";
import { useProject } from "./support/project.ts";
import { actionsOf, callsOf } from "./support/state.ts";

const project = useProject();
const input = { registry: "images" };

test("a registry that overlaps is found on the second page of repositories", async () => {
  const id = project().fresh();
  for (let n = 0; n < 1_000; n++) project().seedRepository(`a-${n}`);
  project().seedOwn(`${id}-dev`);
  const calls = await callsOf(project().gcp, async () => {
    const { body } = await (await project().open(id)).refused("provisionRegistry", input);
    expect(body.message).toContain(`"${id}-dev" overlaps`);
  });
  expect(actionsOf(calls).filter((call) => call.endsWith(":ListRepositories"))).toHaveLength(2);
});

test("more images than a page holds are not counted, and not deleted", async () => {
  const id = project().fresh("many");
  const suite = await project().open(id);
  await suite.ok("provisionRegistry", input);
  const repository = project().repository(id);
  if (repository === undefined) throw new Error("It was not provisioned.");
  for (let n = 0; n < 1_001; n++) packageAt(repository, `app-${n}`, new Date());
  const { body } = await suite.refused("deprovisionRegistry", input);
  expect(body).toMatchObject({ code: "RESOURCE_CONFLICT", context: { repositories: 1_000 } });
  expect(body.message).toContain("1000 or more repositories");
  expect(project().repository(id)?.packages.size).toBe(1_001);
});
