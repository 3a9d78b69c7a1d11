import { expect, test } from "vitest";
import { platform } from "../../../functions/gcp/index.ts";
import { packageAt } from "../../emulators/gcp/artifact-registry/repository.ts";
import { churned } from "../../support/churn.ts";
import { useStack } from "../support/registry.ts";

const stack = useStack({ behaviour: { operationMs: 1 } });

test("a list that is read while 8 processes delete what is pushed has what stays, each once", async () => {
  const { gcp, repository, project } = stack();
  const env = { ...stack().env(), ALIEN_IMAGES_BINDING: stack().binding("images") };
  const found = gcp.world.repositories.get(repository("images"));
  if (found === undefined) throw new Error("There is no repository.");
  const stays = Array.from({ length: 100 }, (_, n) => `stays-${String(n).padStart(3, "0")}`);
  for (const path of stays) packageAt(found, path, new Date());
  // A repository is created by its first push: that the processes look whether it is there stands for theirs.
  gcp.faults.before = async ({ action, input }) => {
    const path = /packages\/([^/]*churn[^/]*)$/.exec(String(input.path))?.[1];
    if (action === "GetPackage" && path !== undefined) packageAt(found, path, new Date());
  };
  const read = await churned({ platform, name: "gcp", env, pageSize: 25 });
  const names = stays.map((path) => `${project}/images/${path}`);
  for (const each of read) expect(each.filter((name) => !name.includes("churn"))).toEqual(names);
});
