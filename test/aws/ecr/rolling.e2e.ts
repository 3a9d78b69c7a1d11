import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fence } from "../../../functions/aws/lease/item.ts";
import { bundleOf } from "../../support/bundle.ts";
import { functionEnv } from "../handler/functions.ts";
import { type Attempt, unexplained } from "../lease/history.ts";
import { leaseItem } from "./support/bench.ts";
import { A, B, makeConsumers, pulls, roleOf } from "./support/consumers.ts";
import { bundleOfCommit, type Deployed, deploy, type Invoked } from "./support/deployments.ts";
import { access, startRegistry, type TestRegistry } from "./support/registry.ts";
import { home, west } from "./support/replicated.ts";

/** The last release whose functions know nothing of regions that leave. */
const earlier = "eccb7f4";
const repositories = 10;
const turnsEach = 12;
/** An edit of an earlier function that is fenced out waits for so long, less half a second. */
const remainingMs = 2_500;

let registry: TestRegistry;
const names: string[] = [];
let before: Deployed;
let after: Deployed;
let provision: Deployed;
const cleanUp: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  registry = await startRegistry({ replicaRegions: [west] });
  cleanUp.push(
    () => registry.stack.stop(),
    () => registry.suite.stop(),
  );
  makeConsumers(registry.emulator);
  const bundle = bundleOf("aws");
  bundle.build();
  const old = await bundleOfCommit(earlier);
  cleanUp.push(old.remove);
  // The binding keeps naming the region, also when it has left. Both versions understand these rules.
  const more = {
    ALIEN_IMAGES_BINDING: registry.stack.binding("images", { replicationRegions: [west] }),
    ALIEN_ACCESS_RULES: JSON.stringify([
      {
        callers: [{ issuer: "door", subject: "*" }],
        operations: ["*"],
        registries: ["images"],
        repositories: ["*"],
        grantees: ["*"],
      },
    ]),
  };
  const env = (door: string) => functionEnv(registry.stack, door, more);
  const file = join(bundle.dir, "index.js");
  before = deploy(old.file, env("invoke"), remainingMs);
  after = deploy(file, env("invoke"), 60_000);
  provision = deploy(file, env("provision"), 600_000);
  const provisionedBy = deploy(old.file, env("provision"), 600_000);
  for (const each of [before, after, provision, provisionedBy]) cleanUp.push(() => each.stop());
  const input = { operation: "provisionRegistry", registry: "images", replicationRegions: [west] };
  expect((await provisionedBy.invoke(input)).error).toBeUndefined();
  for (let n = 0; n < repositories; n++) names.push(await registry.repository());
});
afterAll(async () => {
  for (const each of cleanUp.reverse()) await each();
});

const now = () => Number(process.hrtime.bigint()) / 1e6;

interface Change {
  readonly kind: Attempt["kind"];
  readonly account: string;
}

/** One edit by one of the two versions, asked for once. */
async function edit({ invoke }: Deployed, repoId: string, { kind, account }: Change) {
  const event = {
    operation: `${kind}CrossAccountAccess`,
    registry: "images",
    repoId,
    access: access({ accountIds: [account] }),
  };
  const start = now();
  const outcome = await invoke(event);
  const attempt = { kind, grant: account, start, ...(outcome.error === undefined && { end: now() }) };
  return { attempt, outcome };
}

const grantsIn = async (name: string, region: string) => {
  const text = JSON.stringify(await registry.statements(name, region)) ?? "";
  return [A, B].filter((account) => text.includes(account));
};
const isFencedOut = ({ error }: Invoked) => error?.code === "RESOURCE_CONFLICT" && /in progress/.test(error.message);

test("functions of both versions edit the same repositories while a region leaves", async () => {
  const attempts = new Map<string, Attempt[]>(names.map((name) => [name, []]));
  const counts = { earlier: 0, fenced: 0, newer: 0 };
  const pick = (n: number): Change => ({ kind: n % 3 === 1 ? "remove" : "add", account: n % 2 === 0 ? A : B });
  const half = Promise.withResolvers<void>();

  async function byEarlier(name: string, change: Change): Promise<void> {
    const { attempt, outcome } = await edit(before, name, change);
    if (!isFencedOut(outcome)) {
      counts.earlier++;
      attempts.get(name)?.push(attempt);
      // On a busy machine its time may be over too soon: it is not acknowledged then.
      expect([name, outcome.error?.retryable ?? true]).toEqual([name, true]);
      return;
    }
    // Nothing was changed: who is told so asks again when only newer functions run.
    counts.fenced++;
    expect(outcome.error).toMatchObject({ retryable: true });
    expect((await leaseItem(registry.stack, name))?.owner?.S).toBe(fence);
  }

  async function byNewer(name: string, change: Change): Promise<void> {
    for (let acknowledged = false; !acknowledged; ) {
      const { attempt, outcome } = await edit(after, name, change);
      expect([name, outcome.error?.retryable ?? true]).toEqual([name, true]);
      attempts.get(name)?.push(attempt);
      acknowledged = outcome.error === undefined;
    }
    counts.newer++;
    if (counts.newer === 15) half.resolve();
  }

  async function byTurns(name: string, index: number): Promise<void> {
    for (let n = 0; n < turnsEach; n++) {
      // Each repository is first edited by a newer function at another of its turns, and at every other turn both begin at once.
      const newer = () => (n < index / 2 ? undefined : byNewer(name, pick(n + index + 1)));
      const earlier = byEarlier(name, pick(n + index));
      if (n % 2 === 0) await earlier;
      await Promise.all([earlier, newer()]);
    }
  }

  const turns = names.map(byTurns);
  const leaving = half.promise.then(() =>
    provision.invoke({ operation: "provisionRegistry", registry: "images", replicationRegions: [] }),
  );
  await Promise.all(turns);
  expect((await leaving).error).toBeUndefined();

  console.log(`edits: ${JSON.stringify(counts)}`);
  expect(counts.earlier).toBeGreaterThanOrEqual(repositories);
  expect(counts.fenced).toBeGreaterThanOrEqual(repositories);
  expect(counts.earlier + counts.fenced + counts.newer).toBeGreaterThanOrEqual(200);

  const consumers = [A, B].map((account) => ({
    account,
    credentials: registry.emulator.credentialsFor(roleOf(registry.emulator, account, "app")),
  }));
  for (const name of names) {
    const granted = await grantsIn(name, home);
    expect([name, unexplained(attempts.get(name) ?? [], granted)]).toEqual([name, []]);
    expect([name, await grantsIn(name, west)]).toEqual([name, []]);
    for (const { account, credentials } of consumers) {
      expect([name, account, await pulls(registry, credentials, name, home)]).toEqual([
        name,
        account,
        granted.includes(account),
      ]);
      expect([name, account, await pulls(registry, credentials, name, west)]).toEqual([name, account, false]);
    }
  }

  // The region is forgotten, and an earlier function still writes nothing there.
  for (const name of names.slice(0, 2)) {
    expect(isFencedOut((await edit(before, name, { kind: "add", account: A })).outcome)).toBe(true);
    expect(await grantsIn(name, west)).toEqual([]);
  }
});
