import { DescribeRepositoriesCommand } from "@aws-sdk/client-ecr";
import { describe, expect, test } from "vitest";
import { A, B, whoMay } from "./support/consumers.ts";
import { east, home, useReplicatedRegistry, west } from "./support/replicated.ts";

const { registry, application } = useReplicatedRegistry();

describe("deletion", () => {
  const regionsWith = async (name: string) => {
    const found = await Promise.all(
      [home, west, east].map(async (region) => {
        const { repositories = [] } = await registry().ecr(region).send(new DescribeRepositoriesCommand({}));
        return repositories.some(({ repositoryName }) => repositoryName === name) ? [region] : [];
      }),
    );
    return found.flat();
  };
  const remove = (repoId: string) => registry().suite.ok("deleteRepository", { registry: "images", repoId });

  test("takes the replicas with it, with their images and grants, and nobody else's", async () => {
    const [name, neighbour] = [await registry().repository("team"), await registry().repository("team-x")];
    await registry().add(name, { accountIds: [A] });
    await remove(name);
    expect([await regionsWith(name), await regionsWith(neighbour)]).toEqual([[], [home, west, east]]);
    await remove(name);
  });

  test("takes them also when home is already gone", async () => {
    const name = await registry().repository();
    const { account } = registry().stack;
    registry().emulator.world.registry(account, home).repositories.delete(name);
    expect(await regionsWith(name)).toEqual([west, east]);
    await remove(name);
    expect(await regionsWith(name)).toEqual([]);
  });

  test("that fails at a replica says so, and the same call finishes it", async () => {
    const name = await registry().repository();
    registry().emulator.faults.add({
      fault: { kind: "failure", status: 503 },
      region: west,
      action: "DeleteRepository",
      times: Number.POSITIVE_INFINITY,
    });
    const { body } = await application().ask("deleteRepository", { repoId: name });
    registry().emulator.faults.clear();
    expect(body).toMatchObject({ code: "CLOUD_PLATFORM_ERROR", retryable: true });
    expect(body.message).toContain(`may not be in ${west}`);
    expect(await regionsWith(name)).toEqual([west]);
    await remove(name);
    expect(await regionsWith(name)).toEqual([]);
  });

  test("a repository made again has none of the grants of the one before", async () => {
    const name = await registry().repository("again");
    await registry().add(name, { accountIds: [A] });
    await remove(name);
    const again = await registry().suite.ok("createRepository", {
      registry: "images",
      name: name.slice("images-".length),
    });
    expect(again.name).toBe(name);
    await registry().push(name);
    await registry().add(name, { accountIds: [B] });
    expect(await whoMay(registry(), name)).toEqual(["B/app", "B/ci"]);
  });
});
