import { SetRepositoryPolicyCommand } from "@aws-sdk/client-ecr";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ownershipTagKey } from "../../../functions/aws/names.ts";
import { clients } from "../../emulators/aws/support.ts";
import { type Account, consumer, home, replica, useAccount } from "./support/account.ts";
import { type Arranged, ask, disturb, faults, leasesRunOut, plan, undisturbed } from "./support/faults.ts";
import { isRead } from "./support/state.ts";

const account = useAccount({ accounts: [consumer] });
const replicating = { replicationRegions: [replica] };

/** A registry with an image repository that has a replica, and grants on everything everywhere. */
async function inUse(account: Account, prefix: string): Promise<void> {
  const scenario = { prefix, binding: replicating, operation: "provisionRegistry" as const };
  expect((await ask(account, scenario)).answer.status).toBe(200);
  await account.repository(`${prefix}-app`, { [ownershipTagKey]: prefix });
  // Provisioning made the replica of the registry's own repository.
  await account.repository(`${prefix}-app`, {}, replica);
  for (const name of [prefix, `${prefix}-app`]) {
    for (const region of [home, replica]) await grant(account, name, region);
  }
}

/** The document that an edit would have written. */
async function grant({ emulator }: Account, repositoryName: string, region: string): Promise<void> {
  const statement = {
    Sid: "ArtifactRegistryAccounts",
    Effect: "Allow",
    Principal: { AWS: [`arn:aws:iam::${consumer}:root`] },
    Action: ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
  };
  const policyText = JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
  const { ecr } = clients(emulator, emulator.admin(), region);
  await ecr.send(new SetRepositoryPolicyCommand({ repositoryName, policyText }));
}

const scenarios: Readonly<Record<string, Arranged>> = {
  "provisionRegistry from nothing": {
    operation: "provisionRegistry",
    input: replicating,
    arrange: async () => undefined,
  },
  "provisionRegistry that drops a region and repairs its roles": {
    operation: "provisionRegistry",
    input: { replicationRegions: [] },
    async arrange(account, prefix) {
      await inUse(account, prefix);
      const role = account.role(`${prefix}-pull`);
      if (!role) throw new Error("There is no role.");
      role.boundary = undefined;
      role.maxSessionDuration = 3_600;
      role.trust = { ...role.trust, document: { Version: "2012-10-17", Statement: [] } };
    },
  },
  "deprovisionRegistry with everything in it": {
    operation: "deprovisionRegistry",
    binding: replicating,
    input: { deleteRepositories: true },
    arrange: inUse,
  },
};

beforeEach(async () => {
  await account().setRules([{ to: [replica], filters: ["theirs"] }]);
});
afterEach(() => {
  account().emulator.faults.clear();
  return leasesRunOut(account());
});

describe.each(Object.entries(scenarios))("%s", (_title, scenario) => {
  test("ends well, or with an error that a repeated call finishes, whatever happens to any request", async () => {
    const reference = await undisturbed(account(), scenario);
    expect(reference.calls.filter((call) => !isRead(call)).length).toBeGreaterThan(5);
    for (const { nth, call, faults } of plan(reference)) {
      for (const each of faults) {
        await account().setRules([{ to: [replica], filters: ["theirs"] }]);
        await disturb(account(), scenario, reference, nth, each).catch((error: unknown) => {
          throw new Error(`${each.fault.kind} at ${nth}, ${call.action} in ${call.region}`, { cause: error });
        });
      }
    }
  });

  test.each(faults)("$fault.kind, once at every kind of request, is not even noticed", async ({ fault }) => {
    const prefix = account().fresh();
    await scenario.arrange(account(), prefix);
    const seen = new Set<string>();
    account().emulator.faults.add({
      fault,
      matches: ({ action, region }) => seen.size < seen.add(`${action} ${region}`).size,
      times: Number.POSITIVE_INFINITY,
    });
    const { answer } = await ask(account(), { ...scenario, prefix }, { attempts: 3, baseMs: 1, capMs: 5 });
    expect([answer.status, answer.text]).toEqual([200, expect.anything()]);
    expect(seen.size).toBeGreaterThan(8);
  });
});
