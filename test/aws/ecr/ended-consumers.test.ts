import { GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { beforeEach, describe, expect, test } from "vitest";
import { account } from "../../../functions/aws/grants/grant.ts";
import { clients } from "../../emulators/aws/support.ts";
import type { WireAnswer } from "../../support/suite.ts";
import { openApplication } from "./support/application.ts";
import { leaseItem } from "./support/bench.ts";
import { A, B, roleOf, whoMay } from "./support/consumers.ts";
import { access } from "./support/registry.ts";
import { east, home, seed, useReplicatedRegistry, west, worker } from "./support/replicated.ts";

const { registry, application } = useReplicatedRegistry();
const everywhere = [home, west, east];
const earlier = { Effect: "Allow", Action: ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"] };

interface Ended {
  readonly changed: string[];
  readonly pages: readonly WireAnswer[];
}

/** Asks for one page of the end after the other, as long as they are answered. */
async function end(grantee: string, ask = application().ask): Promise<Ended> {
  const pages: WireAnswer[] = [];
  for (let pageToken: unknown; ; ) {
    const page = await ask("removeGranteeAccess", { grantee, ...(pageToken !== undefined && { pageToken }) });
    pages.push(page);
    pageToken = page.body.nextPageToken;
    if (page.status === 200 && pageToken !== undefined) continue;
    return { changed: pages.flatMap(({ body }) => (body.changed as string[] | undefined) ?? []), pages };
  }
}
const may = async (grantee: string) => (await application().ask("listGranteeAccess", { grantee })).body.repositories;
const last = ({ pages }: Ended) => pages.at(-1);
const repositories = (region: string) =>
  registry().emulator.world.registry(registry().stack.account, region).repositories;

// What one test leaves behind is nobody's any more.
beforeEach(() => {
  for (const region of everywhere)
    for (const { name } of repositories(region).values()) if (name !== "images") repositories(region).delete(name);
});

describe("the end of an account", () => {
  test("takes its roles and workers, at home and at every replica, and leaves everybody else as they were", async () => {
    const { emulator } = registry();
    const [app, shared] = [await registry().repository(), await registry().repository()];
    await registry().add(app, {
      ...worker(A, "us-east-1"),
      roleArns: [roleOf(emulator, A, "ci"), roleOf(emulator, B, "ci")],
    });
    await registry().add(shared, { accountIds: [B] });
    const before = await whoMay(registry(), shared);
    expect(await may(`aws:${A}`)).toEqual([
      {
        repoId: app,
        grants: [access({ ...worker(A, "us-east-1"), roleArns: [roleOf(emulator, A, "ci")] })],
      },
    ]);
    const ended = await end(`aws:${A}`);
    expect(last(ended)).toMatchObject({ status: 200 });
    expect(ended.changed).toEqual([app]);
    expect(await whoMay(registry(), app)).toEqual(["B/ci"]);
    for (const region of everywhere) expect(JSON.stringify(await registry().statements(app, region))).not.toContain(A);
    expect(await whoMay(registry(), shared)).toEqual(before);
    expect(await may(`aws:${A}`)).toEqual([]);
    expect((await end(`aws:${A}`)).changed).toEqual([]);
  });

  test("of one role takes that role alone", async () => {
    const { emulator } = registry();
    const app = await registry().repository();
    const [gone, stays] = [roleOf(emulator, A, "ci"), roleOf(emulator, A, "app")];
    await registry().add(app, { roleArns: [gone, stays] });
    expect((await end(`aws:${gone}`)).changed).toEqual([app]);
    expect(await whoMay(registry(), app)).toEqual(["A/app"]);
  });

  test("also takes what an earlier tool wrote, what only a replica has, and what only the record has", async () => {
    const [adopted, drifted, forgotten] = [
      await registry().repository(),
      await registry().repository(),
      await registry().repository(),
    ];
    const root = { AWS: `arn:aws:iam::${A}:root` };
    await registry().setPolicy(adopted, [{ Sid: "CrossAccountRolePermission", Principal: root, ...earlier }]);
    const [ours] = await grantedAlone(drifted);
    await registry().setPolicy(drifted, ours ? [ours] : [], west);
    await registry().add(forgotten, { accountIds: [A, B] });
    const { repositories: atHome } = registry().emulator.world.registry(registry().stack.account, home);
    const repository = atHome.get(forgotten);
    if (repository) repository.policy = undefined;
    const ended = await end(`aws:${A}`);
    expect(ended.changed.sort()).toEqual([adopted, drifted, forgotten].sort());
    expect((await end(`aws:${A}`)).changed).toEqual([]);
    // The record would have brought it back with the next edit.
    await registry().add(forgotten, { accountIds: [B] });
    expect(await whoMay(registry(), forgotten)).toEqual(["B/app", "B/ci"]);
  });

  test("reaches a replica whose repository is gone at home", async () => {
    const app = await registry().repository();
    await registry().add(app, { accountIds: [A, B] });
    registry().lose(app, home);
    expect(last(await end(`aws:${A}`))).toMatchObject({ status: 200 });
    for (const region of [west, east]) expect(await registry().statements(app, region)).toBeUndefined();
  });

  test("names what others wrote and still lets it in", async () => {
    const app = await registry().repository();
    await registry().setPolicy(app, [{ Sid: "Theirs", Principal: { AWS: `arn:aws:iam::${A}:root` }, ...earlier }]);
    const { changed, pages } = await end(`aws:${A}`);
    expect(changed).toEqual([]);
    expect(pages.flatMap(({ body }) => body.unmanaged ?? [])).toMatchObject([{ repoId: app, statement: "Theirs" }]);
  });

  async function grantedAlone(name: string): Promise<object[]> {
    await registry().add(name, { accountIds: [A] });
    const statements = [...((await registry().statements(name)) ?? [])];
    await registry().remove(name, { accountIds: [A] });
    return statements;
  }
});

describe("an event that was sent before the end", () => {
  const event = (name: string, time: Date, parts: Parameters<typeof access>[0]) =>
    application().event({ name: name.replace(/^images-/, ""), access: [access(parts)] }, time);
  const tooLate = { outcome: "dead-letter", error: { code: "RESOURCE_CONFLICT", retryable: false } };

  test("lets the consumer in nowhere, also where it was not let in before; a later one does, and others' do", async () => {
    const app = await registry().repository();
    const before = new Date();
    await end(`aws:${A}`);
    const role = roleOf(registry().emulator, A, "ci");
    for (const parts of [{ accountIds: [A] }, worker(A), { roleArns: [role] }, { accountIds: [B, A] }]) {
      for (const name of [app, "images-made-by-the-event"])
        expect(await event(name, before, parts)).toMatchObject(tooLate);
    }
    expect(await registry().statements(app)).toBeUndefined();
    expect(await event(app, before, { accountIds: [B] })).toMatchObject({ outcome: "done" });
    expect(await event(app, new Date(Date.now() + 1), { accountIds: [A] })).toMatchObject({ outcome: "done" });
    expect(await whoMay(registry(), app)).toEqual(["A/app", "A/ci", "B/app", "B/ci"]);
  });

  test("of one role lets in the account, and not that role", async () => {
    const app = await registry().repository();
    const before = new Date();
    const role = roleOf(registry().emulator, A, "app");
    await end(`aws:${role}`);
    expect(await event(app, before, { roleArns: [role] })).toMatchObject(tooLate);
    expect(await event(app, before, { roleArns: [roleOf(registry().emulator, A, "ci")] })).toMatchObject({
      outcome: "done",
    });
  });

  test("and is under way when the end comes: either it is refused, or what it granted is taken", async () => {
    const { faults } = registry().emulator;
    for (const action of ["GetItem", "SetRepositoryPolicy"]) {
      const app = await registry().repository();
      // After the end before it.
      const before = new Date(Date.now() + 1);
      const [reached, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      // What it writes, in any region, has no effect before it goes on; of what it reads, the first.
      faults.before = async (call) => {
        if (call.action !== action || !/:registry|images-app/.test(JSON.stringify(call.input))) return;
        if (action === "GetItem") faults.before = undefined;
        reached.resolve();
        await go.promise;
      };
      const sent = event(app, before, { accountIds: [A] });
      await reached.promise;
      // Its lease is held: its turn comes last, and waits there.
      let over = false;
      const ended = end(`aws:${A}`).finally(() => {
        over = true;
      });
      const { calls } = registry().emulator;
      const from = calls.length;
      const looks = () =>
        calls.slice(from).filter(({ action, input }) => action === "GetItem" && JSON.stringify(input).includes(app));
      await expect.poll(() => over || looks().length >= 4, { timeout: 10_000 }).toBe(true);
      go.resolve();
      await sent;
      expect(last(await ended)).toMatchObject({ status: 200 });
      expect(await whoMay(registry(), app)).toEqual([]);
    }
  });
});

describe("a repository that cannot be edited now", () => {
  test("keeps none of the others open, and is told of at the end, until it can", async () => {
    const names = [await registry().repository(), await registry().repository(), await registry().repository()];
    for (const name of names) await registry().add(name, { accountIds: [A] });
    const [broken = ""] = names;
    const heal = registry().emulator.faults.add({
      action: "SetRepositoryPolicy",
      fault: { kind: "error", code: "AccessDeniedException" },
      times: Number.POSITIVE_INFINITY,
      matches: ({ input }) => input.repositoryName === broken,
    });
    const healDeletion = registry().emulator.faults.add({
      action: "DeleteRepositoryPolicy",
      fault: { kind: "error", code: "AccessDeniedException" },
      times: Number.POSITIVE_INFINITY,
      matches: ({ input }) => input.repositoryName === broken,
    });
    const ended = await end(`aws:${A}`);
    expect(ended.changed.sort()).toEqual(names.slice(1).sort());
    expect(last(ended)?.body).toMatchObject({ code: "ACCESS_DENIED", retryable: false });
    heal();
    healDeletion();
    // The very page that failed finishes it.
    const pageToken = ended.pages.at(-2)?.body.nextPageToken;
    const again = await application().ask("removeGranteeAccess", { grantee: `aws:${A}`, pageToken });
    expect(again.body).toEqual({ changed: [broken] });
  });

  test("because somebody holds its lease comes last", async () => {
    const names = [await registry().repository(), await registry().repository()];
    for (const name of names) await registry().add(name, { accountIds: [A] });
    const [held = ""] = names;
    const { stack, emulator } = registry();
    const { dynamodb } = clients(emulator, emulator.admin());
    const before = await leaseItem(stack, held);
    const TableName = stack.leaseTable;
    const holder = { holder: { S: "somebody" }, holderMs: { N: "60000" } };
    await dynamodb.send(new PutItemCommand({ TableName, Item: { ...before, ...holder } as never }));
    const impatient = openApplication(stack, {
      binding: { replicationRegions: [west, east] },
      env: { AWS_LAMBDA_FUNCTION_NAME: "artifact-registry" },
      operationTimeoutMs: 2_000,
    });
    const ended = await end(`aws:${A}`, impatient.ask);
    expect(ended.changed).toEqual(names.slice(1));
    expect(last(ended)?.body).toMatchObject({ code: "RESOURCE_CONFLICT", retryable: true });
    await dynamodb.send(new PutItemCommand({ TableName, Item: before as never }));
    expect((await end(`aws:${A}`)).changed).toEqual([held]);
  });
});

test("a region that cannot be reached keeps nobody in anywhere else, however many there are", async () => {
  // More than a token takes by their names.
  const names = Array.from({ length: 40 }, (_, index) => `images-${"long-".repeat(43)}${index}`);
  for (const name of names) seed(registry().stack, everywhere, name, [account(A)]);
  const heal = registry().emulator.faults.add({
    region: west,
    fault: { kind: "error", code: "AccessDeniedException" },
    times: Number.POSITIVE_INFINITY,
    matches: ({ input }) => "repositoryName" in input,
  });
  // A clock that stands still, so that one page has them all, however slow the machine is.
  const noon = new Date();
  const { ask } = openApplication(registry().stack, {
    binding: { replicationRegions: [west, east] },
    env: { AWS_LAMBDA_FUNCTION_NAME: "artifact-registry" },
    now: () => noon,
  });
  const ended = await end(`aws:${A}`, ask);
  expect(last(ended)?.body).toMatchObject({ code: "RESOURCE_CONFLICT", retryable: true });
  expect(last(ended)?.body.message).toContain(west);
  const open = (region: string) => [...repositories(region).values()].filter(({ policy }) => policy !== undefined);
  expect(everywhere.map((region) => open(region).length)).toEqual([0, names.length, 0]);
  heal();
  expect((await end(`aws:${A}`)).changed.sort()).toEqual([...names].sort());
  expect(open(west)).toEqual([]);
});

test("a page stops when its time is over, and says where", async () => {
  const names = Array.from({ length: 25 }, (_, index) => `images-timed-${index}`);
  for (const name of names) seed(registry().stack, everywhere, name, [account(A)]);
  const { stack } = registry();
  let ahead = 0;
  const hurried = openApplication(stack, {
    binding: { replicationRegions: [west, east] },
    env: { AWS_LAMBDA_FUNCTION_NAME: "artifact-registry" },
    // Each look at the clock is a while later.
    now() {
      ahead += 300;
      return new Date(Date.now() + ahead);
    },
  });
  const { changed, pages } = await end(`aws:${A}`, hurried.ask);
  expect(pages.filter(({ body }) => ((body.changed as string[] | undefined) ?? []).length > 0).length).toBeGreaterThan(
    1,
  );
  expect(changed.sort()).toEqual([...names].sort());
  for (const name of names) expect(await registry().statements(name)).toBeUndefined();
});

test("what is recorded of ends is forgotten after two hours", async () => {
  const { stack, emulator } = registry();
  const { dynamodb } = clients(emulator, emulator.admin());
  const ended = async () => {
    const Key = { repository: { S: `${home}/images:registry` } };
    const { Item } = await dynamodb.send(new GetItemCommand({ TableName: stack.leaseTable, Key }));
    return Object.keys(Item?.ended?.M ?? {});
  };
  await end(`aws:${A}`);
  expect(await ended()).toContain(A);
  const later = openApplication(stack, {
    binding: { replicationRegions: [west, east] },
    env: { AWS_LAMBDA_FUNCTION_NAME: "artifact-registry" },
    now: () => new Date(Date.now() + 7_201_000),
  });
  await end(`aws:${B}`, later.ask);
  expect(await ended()).toEqual([B]);
});
