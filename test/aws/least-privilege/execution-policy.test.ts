import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CallRecord } from "../../emulators/aws/call.ts";
import { replayCall } from "../../emulators/aws/replay.ts";
import { type ExecutionStatement, executionStatements } from "../../infra/support/aws-roles.ts";
import { type DoorFunction, startDoor } from "./support/function.ts";
import { replicaKeyArn, scope } from "./support/scope.ts";
import { work } from "./support/work.ts";

// The doors for callers have the same policy, which a test below holds them to.
describe.each(["platform", "events", "provision"] as const)("the execution role behind the %s door", (door) => {
  const statements = executionStatements(door, scope);
  let running: DoorFunction | undefined;
  let calls: CallRecord[] = [];

  beforeAll(async () => {
    running = await startDoor(door);
    // Under exactly this policy: whatever it lacks is refused here.
    await work(door, running);
    calls = running.calls();
  });
  afterAll(() => running?.stack.stop());

  /** The public door may look for whom AWS refuses, and create nothing. Where it creates, it needs less for that. */
  const without = (sid: string) =>
    sid === "FindWhomAwsRefuses" ? statements.filter((each) => each.Sid !== "Create") : statements;

  /** Whether some call is refused under these statements. */
  async function isMissed(fewer: readonly ExecutionStatement[], about: (call: CallRecord) => boolean) {
    const policy = {
      Version: "2012-10-17",
      Statement: fewer.filter(({ Action, Resource }) => Action[0] && Resource[0]),
    };
    for (const call of calls.filter(about)) if ((await replayCall(call, [policy])).length > 0) return true;
    return false;
  }

  test("is enough for everything that it does", async () => {
    expect(calls.length).toBeGreaterThan(20);
    expect(
      calls.flatMap(({ authorizations }) => authorizations).filter(({ verdict }) => verdict !== "Allowed"),
    ).toEqual([]);
    expect(await isMissed(statements, () => true)).toBe(false);
  });

  test.each(statements.flatMap(({ Sid, Action }) => Action.map((action) => ({ Sid, action }))))(
    "has no superfluous $action in $Sid",
    async ({ Sid, action }) => {
      const fewer = without(Sid).map((each) =>
        each.Sid === Sid ? { ...each, Action: each.Action.filter((other) => other !== action) } : each,
      );
      const about = ({ authorizations }: CallRecord) => authorizations.some((each) => each.action === action);
      expect(await isMissed(fewer, about)).toBe(true);
    },
  );

  // All doors have one list of keys, and the provision door makes no replica.
  const isShared = (sid: string, resource: string) =>
    door === "provision" && sid === "EncryptNewRepositories" && resource === replicaKeyArn;
  const rows = statements.flatMap(({ Sid, Resource }) => Resource.map((resource) => ({ Sid, resource })));
  test.each(rows.filter(({ Sid, resource }) => !isShared(Sid, resource)))(
    "has no superfluous resource $resource in $Sid",
    async ({ Sid, resource }) => {
      const fewer = without(Sid).map((each) =>
        each.Sid === Sid ? { ...each, Resource: each.Resource.filter((other) => other !== resource) } : each,
      );
      expect(await isMissed(fewer, () => true)).toBe(true);
    },
  );
});

test("every door for callers has the same rights", () => {
  const platform = executionStatements("platform", scope);
  for (const door of ["oidc", "invoke"] as const) expect(executionStatements(door, scope)).toEqual(platform);
});
