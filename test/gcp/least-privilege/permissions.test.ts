import { describe, expect, test } from "vitest";
import { type DoorFunction, type Right, rightsOf, startDoor } from "./support/function.ts";
import { work } from "./support/work.ts";

async function under<T>(running: DoorFunction, run: (running: DoorFunction) => Promise<T>): Promise<T> {
  try {
    return await run(running);
  } finally {
    await running.stop();
  }
}

// The other doors for callers have the same rights: infra.test.ts holds them to it.
describe.each(["platform", "events", "provision"] as const)("the account behind the %s door", (door) => {
  test("may do everything that its code does, and asks for nothing else", async () => {
    await under(await startDoor(door), async (running) => {
      await work(door, running);
      const { gcp, account } = running;
      const asked = gcp.calls
        .filter(({ principal }) => principal === account)
        .flatMap(({ authorizations }) => authorizations);
      expect(asked.filter(({ allowed }) => !allowed)).toEqual([]);
      const needed = rightsOf(door).map(({ permission }) => permission);
      const beside = ["iam.serviceAccounts.getAccessToken", "pubsub.topics.publish"];
      expect(new Set(asked.map(({ permission }) => permission).filter((each) => !beside.includes(each)))).toEqual(
        new Set(needed.filter((each) => !beside.includes(each))),
      );
    });
  });

  test.each(rightsOf(door))("needs $permission of $concern on the $place", async (right: Right) => {
    const isIt = ({ place, concern, permission }: Right) =>
      place === right.place && concern === right.concern && permission === right.permission;
    await under(await startDoor(door, isIt), async (running) => {
      await expect(work(door, running)).rejects.toThrow(right.permission);
    });
  });
});
