import { CreateRepositoryCommand, DeleteRepositoryCommand } from "@aws-sdk/client-ecr";
import { describe, expect, test } from "vitest";
import type { AwsAccess } from "../../../core/schemas.ts";
import { A, B, pullsAs, roleOf } from "./support/consumers.ts";
import { access } from "./support/registry.ts";
import { east, home, useReplicatedRegistry, west } from "./support/replicated.ts";

/** A repository that was deleted in the console, and another one that came under its name. It inherits nothing. */
const { registry, application } = useReplicatedRegistry();
const root = (account: string) => ({ accountIds: [account] });

const byHand = (name: string, regions: readonly string[]) =>
  Promise.all(
    regions.map((region) =>
      registry()
        .ecr(region)
        .send(new DeleteRepositoryCommand({ repositoryName: name, force: true })),
    ),
  );
const createByHand = (name: string) =>
  registry()
    .ecr()
    .send(new CreateRepositoryCommand({ repositoryName: name }));
const add = (repoId: string, parts: Partial<AwsAccess>) =>
  application().ask("addCrossAccountAccess", { repoId, access: access(parts) });

/** Who pulls where, by pulling. */
async function whoPulls(name: string): Promise<string[]> {
  const { emulator } = registry();
  const tries = [home, west, east].flatMap((region) =>
    Object.entries({ A, B }).map(async ([label, account]) => {
      return (await pullsAs(registry(), roleOf(emulator, account, "app"), name, region)) ? [`${label}@${region}`] : [];
    }),
  );
  return (await Promise.all(tries)).flat();
}

const theirs = {
  Sid: "Theirs",
  Effect: "Allow",
  Principal: { AWS: `arn:aws:iam::${B}:root` },
  Action: "ecr:DescribeImages",
};
const makers: readonly [string, (name: string) => Promise<unknown>][] = [
  ["by hand, without a policy", createByHand],
  ["by createRepository", (name) => application().ask("createRepository", { name: name.slice("images-".length) })],
  [
    "with somebody's policy, as Terraform makes it",
    async (name) => {
      await createByHand(name);
      await registry().setPolicy(name, [theirs]);
    },
  ],
];

describe.each(makers)("a repository that was made again %s", (_how, make) => {
  test.each([
    ["and its replicas too", [home, west, east]],
    ["but not its replicas", [home]],
  ])("after it was deleted at home %s grants only what is granted anew", async (_which, gone) => {
    const name = await registry().repository();
    await registry().add(name, root(A));
    expect(await whoPulls(name)).toEqual([`A@${home}`, `A@${west}`, `A@${east}`]);
    await byHand(name, gone);
    await make(name);
    await registry().push(name);
    await registry().emulator.replicate();
    const data = { name: name.slice("images-".length), access: [access(root(B))] };
    expect(await application().event(data, new Date())).toMatchObject({ outcome: "done" });
    expect(await whoPulls(name)).toEqual([`B@${home}`, `B@${west}`, `B@${east}`]);
  });
});

test("what its own policy grants in our form stays, and nothing of the earlier one", async () => {
  const [name, other] = [await registry().repository(), await registry().repository()];
  await registry().add(name, root(A));
  await registry().add(other, root(B));
  const copied = (await registry().statements(other)) ?? [];
  await byHand(name, [home, west, east]);
  await createByHand(name);
  await registry().setPolicy(name, copied);
  await registry().push(name);
  await registry().emulator.replicate();
  expect(await application().replicated(name, west)).toBeUndefined();
  expect(await whoPulls(name)).toEqual([`B@${home}`, `B@${west}`]);
});

test("an event that was sent before it was made changes nothing, as it may speak of the earlier one", async () => {
  const name = await registry().repository();
  await registry().add(name, root(A));
  const sent = new Date();
  await byHand(name, [home, west, east]);
  await createByHand(name);
  await registry().push(name);
  const data = { name: name.slice("images-".length), access: [access(root(B))] };
  expect(await application().event(data, sent)).toMatchObject({ outcome: "dead-letter" });
  expect(await whoPulls(name)).toEqual([]);
});

test("an event that made it itself, and then failed, is carried out when it comes again", async () => {
  const name = await registry().repository();
  await registry().add(name, root(A));
  await byHand(name, [home]);
  const sent = new Date();
  const data = { name: name.slice("images-".length), access: [access(root(B))] };
  registry().emulator.faults.add({ fault: { kind: "lost" }, action: "CreateRepository", times: 10 });
  expect(await application().event(data, sent)).toMatchObject({ outcome: "retry" });
  registry().emulator.faults.clear();
  expect(await application().event(data, sent)).toMatchObject({ outcome: "done" });
  await registry().push(name);
  await registry().emulator.replicate();
  expect(await whoPulls(name)).toEqual([`B@${home}`, `B@${west}`, `B@${east}`]);
});

test("an edit of the same repository keeps what was granted", async () => {
  const name = await registry().repository();
  await registry().add(name, root(A));
  expect((await add(name, root(B))).status).toBe(200);
  expect(await whoPulls(name)).toHaveLength(6);
});
