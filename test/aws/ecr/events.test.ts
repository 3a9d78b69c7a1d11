import { beforeAll, describe, expect, test } from "vitest";
import { openApplication, type TestApplication } from "./support/application.ts";
import { leaseItem } from "./support/bench.ts";
import { A, B, makeConsumers, whoMay } from "./support/consumers.ts";
import { access, useRegistry } from "./support/registry.ts";

const registry = useRegistry();
let application: TestApplication;

beforeAll(() => {
  makeConsumers(registry().emulator);
  const env = { AWS_LAMBDA_FUNCTION_NAME: "artifact-registry" };
  application = openApplication(registry().stack, { env });
});

const setUp = (name: string, time: Date | string, ...accounts: string[]) =>
  application.event({ name, access: accounts.map((id) => access({ accountIds: [id] })) }, time);
const ago = (seconds: number) => new Date(Date.now() - seconds * 1_000);
const exists = async (repoId: string) => (await application.ask("getRepository", { repoId })).status === 200;
const done = { outcome: "done" };
const tooLate = { outcome: "dead-letter", error: { code: "RESOURCE_CONFLICT", retryable: false } };
let count = 0;
const fresh = () => `project-${++count}`;

describe("a set-up event", () => {
  test("makes the repository and grants, and may come again", async () => {
    const name = fresh();
    const time = ago(10);
    for (let delivery = 1; delivery <= 3; delivery++) expect(await setUp(name, time, A, B)).toMatchObject(done);
    await registry().push(`images-${name}`);
    expect(await whoMay(registry(), `images-${name}`)).toEqual(["A/app", "A/ci", "B/app", "B/ci"]);
  });

  test("sent before a removal of access brings nothing back, and one sent after it grants", async () => {
    const name = fresh();
    const before = ago(0);
    expect(await setUp(name, before, A)).toMatchObject(done);
    await registry().push(`images-${name}`);
    await registry().remove(`images-${name}`, { accountIds: [A] });
    for (const time of [before, ago(1_800)]) expect(await setUp(name, time, A)).toMatchObject(tooLate);
    expect(await whoMay(registry(), `images-${name}`)).toEqual([]);
    expect(await setUp(name, ago(0), A)).toMatchObject(done);
    expect(await whoMay(registry(), `images-${name}`)).toEqual(["A/app", "A/ci"]);
  });

  test("sent in the very second of a removal, as EventBridge tells it, is refused because nobody can tell the order", async () => {
    const name = fresh();
    await application.ask("createRepository", { name });
    await registry().remove(`images-${name}`, { accountIds: [A] });
    const { lastRevoked } = (await leaseItem(registry().stack, `images-${name}`)) ?? {};
    const revoked = new Date(lastRevoked?.S ?? "");
    expect(lastRevoked?.S).toMatch(/\.\d{3}Z$/);
    const second = (offset: number) => {
      const at = new Date(revoked.getTime() + offset * 1_000);
      return at.toISOString().replace(/\.\d+/, "");
    };
    expect(await setUp(name, second(-1), A)).toMatchObject({
      ...tooLate,
      error: { message: "Access was revoked after the event was sent." },
    });
    expect(await setUp(name, second(0), A)).toMatchObject({
      ...tooLate,
      error: { message: expect.stringContaining("does not tell which came first") },
    });
    expect(await registry().statements(`images-${name}`)).toBeUndefined();
    expect(await setUp(name, new Date(revoked.getTime() + 1), A)).toMatchObject(done);
    await registry().remove(`images-${name}`, { accountIds: [A] });
    expect(await setUp(name, second(60), A)).toMatchObject(done);
  });

  test("also where the removal found nothing to remove", async () => {
    const name = fresh();
    const before = ago(5);
    await application.ask("createRepository", { name });
    await registry().remove(`images-${name}`, { accountIds: [A] });
    expect(await setUp(name, before, A)).toMatchObject(tooLate);
    expect(await registry().statements(`images-${name}`)).toBeUndefined();
  });

  test("sent before the deletion does not make the repository again, with or without access", async () => {
    const name = fresh();
    const before = ago(0);
    expect(await setUp(name, before, A)).toMatchObject(done);
    await application.ask("deleteRepository", { repoId: `images-${name}` });
    expect(await setUp(name, before)).toMatchObject(tooLate);
    expect(await setUp(name, before, A)).toMatchObject(tooLate);
    expect(await exists(`images-${name}`)).toBe(false);
    expect(await setUp(name, ago(0))).toMatchObject(done);
    expect(await exists(`images-${name}`)).toBe(true);
    expect(await registry().statements(`images-${name}`)).toBeUndefined();
  });

  test("of another repository is none the wiser", async () => {
    const [name, other] = [fresh(), fresh()];
    const before = ago(0);
    await setUp(name, before, A);
    await registry().remove(`images-${name}`, { accountIds: [A] });
    expect(await setUp(other, before, A)).toMatchObject(done);
  });

  test("that fails for a while is to be delivered again", async () => {
    const name = fresh();
    const healed = registry().emulator.faults.add({
      fault: { kind: "failure", status: 503 },
      action: "CreateRepository",
      times: Number.POSITIVE_INFINITY,
    });
    expect(await setUp(name, ago(1), A)).toMatchObject({ outcome: "retry", error: { retryable: true } });
    healed();
    expect(await setUp(name, ago(1), A)).toMatchObject(done);
  });
});
