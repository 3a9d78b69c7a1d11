import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { operationNames, operations } from "../../../core/operations.ts";
import type { AwsAccess } from "../../../core/schemas.ts";
import type { CallRecord } from "../../emulators/aws/call.ts";
import { replayCall } from "../../emulators/aws/replay.ts";
import { executionStatements, neededFor } from "../../infra/support/aws-roles.ts";
import { call, type DoorFunction, startDoor } from "./support/function.ts";
import { consumer, scope } from "./support/scope.ts";
import { readOn } from "./support/work.ts";

const access: AwsAccess = {
  type: "aws",
  accountIds: [consumer],
  regions: [],
  roleArns: [],
  allowedServiceTypes: [],
};

/** What the public door is allowed, by infra/aws/policies/operations.json, for the operations that its rules let callers use. */
const concernsFor = (operation: string) =>
  Object.keys(neededFor).filter((concern) => !concern.startsWith("public-") && neededFor[concern]?.includes(operation));

const grantee = { type: "aws", accountId: consumer } as const;

/** Two at once, so that one waits for the other's lease. */
const atOnce = (work: () => Promise<unknown>) => Promise.all([work(), work()]);

let running: DoorFunction | undefined;
const calls = new Map<string, CallRecord[]>();
let unsupported: readonly string[] = [];

beforeAll(async () => {
  const door = await startDoor("platform");
  running = door;
  const registry = await door.registry();
  unsupported = Object.keys(registry.capabilities.unsupported);
  const { crossAccount } = registry;
  if (!crossAccount) throw new Error("There is no cross-account access.");
  const app = registry.routeName("app");
  const work: Readonly<Record<string, () => Promise<unknown>>> = {
    async createRepository() {
      for (let time = 0; time < 2; time++) await registry.createRepository(app, call());
    },
    getRepository: () => registry.getRepository(app, call()),
    describeRegistry: () => registry.health(call()),
    generateCredentials: () =>
      registry.generateCredentials({ name: app, permissions: "pull", ttlSeconds: 900 }, call()),
    "push-pull": () => registry.generateCredentials({ name: app, permissions: "push-pull", ttlSeconds: 900 }, call()),
    async addCrossAccountAccess() {
      for (let time = 0; time < 2; time++) {
        await atOnce(() => crossAccount.add(app, [access], call()));
        // Grants on record and no policy: was the repository made anew?
        await door.forgetPolicy("images-app");
      }
    },
    getCrossAccountAccess: () => crossAccount.get(app, call()),
    async removeCrossAccountAccess() {
      await crossAccount.remove(app, access, call());
      await crossAccount.add(app, [{ ...access, accountIds: [consumer, scope.account] }], call());
      await crossAccount.remove(app, { ...access, accountIds: [scope.account] }, call());
      await atOnce(() => crossAccount.remove(app, access, call()));
    },
    async setupRepository() {
      const other = registry.routeName("other");
      for (let time = 0; time < 2; time++) {
        await registry.createRepository(other, call());
        await atOnce(() => crossAccount.add(other, [access], call()));
      }
    },
    async listRepositories() {
      await registry.listRepositories?.({ pageSize: 100 }, call());
    },
    async listImages() {
      await registry.listImages?.(app, { pageSize: 100 }, call());
    },
    async deleteImage() {
      await registry.deleteImage?.(app, { tag: "1.0" }, call());
    },
    async listGranteeAccess() {
      await crossAccount.listOf?.(grantee, { pageSize: 100 }, call());
    },
    async removeGranteeAccess() {
      for (const accountIds of [[consumer], [consumer, scope.account]]) {
        await crossAccount.add(app, [{ ...access, accountIds }], call());
        const before = door.calls().length;
        await readOn((cursor) => crossAccount.removeAll?.(grantee, { pageSize: 100, cursor }, call()));
        ended.push(...door.calls().slice(before));
      }
    },
    deleteRepository: () => atOnce(() => registry.deleteRepository(app, call())),
  };
  const ended: CallRecord[] = [];
  for (const [operation, run] of Object.entries(work)) {
    const before = door.calls().length;
    await run();
    calls.set(operation, operation === "removeGranteeAccess" ? ended : door.calls().slice(before));
  }
});
afterAll(() => running?.stack.stop());

async function areAllowed(operation: string, concerns: readonly string[]): Promise<boolean> {
  // Whoever may only pull gets no push role: infra/aws/policies.tf leaves it out.
  const statements = executionStatements("oidc", scope, concerns).map((each) =>
    operation === "generateCredentials"
      ? { ...each, Resource: each.Resource.filter((arn) => !arn.endsWith("-push")) }
      : each,
  );
  const policy = { Version: "2012-10-17", Statement: statements };
  for (const each of calls.get(operation) ?? []) if ((await replayCall(each, [policy])).length > 0) return false;
  return true;
}

describe("the public door's rights for one operation", () => {
  const names = [...new Set(Object.values(neededFor).flat())];

  test("are there for every operation that it serves", () => {
    // What AWS cannot do needs no right.
    const served = operationNames.filter((name) => !unsupported.includes(name));
    const runtime = served.filter((name) => operations[name].kind !== "provision");
    expect([...names].sort()).toEqual([...runtime, "push-pull"].sort());
  });

  test.each(names)("%s: are enough", async (operation) => {
    expect(calls.get(operation)?.length).toBeGreaterThan(0);
    expect(await areAllowed(operation, concernsFor(operation))).toBe(true);
  });

  test.each(names.flatMap((operation) => concernsFor(operation).map((concern) => ({ operation, concern }))))(
    "$operation: needs $concern",
    async ({ operation, concern }) => {
      const fewer = concernsFor(operation).filter((each) => each !== concern);
      expect(await areAllowed(operation, fewer)).toBe(false);
    },
  );
});
