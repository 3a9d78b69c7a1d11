import { beforeAll, beforeEach } from "vitest";
import { type OciClient, OciError, pullImage } from "../../../../oci/client/index.ts";
import type { Suite } from "../../../contract/harness.ts";
import { registryClient } from "../../../emulators/aws/support.ts";
import { consumer, replica, useAccount } from "./account.ts";

/** A second account that is granted access. */
export const other = "777788889999";
const to = (...accountIds: string[]) => ({
  type: "aws",
  accountIds,
  regions: [],
  roleArns: [],
  allowedServiceTypes: [],
});
/** One account of a vendor, and two of consumers, for the tests of a file. Before each test nothing is at fault, and nothing replicates. */
export function useConsumers() {
  const account = useAccount({ accounts: [consumer, other] });
  const roles = new Map<string, string>();
  /** Clients that keep their tokens, as nodes of a cluster do. */
  const tokens = new Map<string, Promise<OciClient>>();

  beforeAll(() => {
    const policies = { Effect: "Allow", Action: "ecr:*", Resource: "*" } as const;
    for (const id of [consumer, other]) roles.set(id, account().emulator.role(id, "app", { policies }));
  });
  beforeEach(async () => {
    account().emulator.faults.clear();
    account().emulator.faults.before = undefined;
    account().emulator.faults.after = undefined;
    await account().setRules([]);
  });

  /** Whether somebody of this account gets the image from the region, by pulling it. */
  async function pulls(id: string, name: string, region: string): Promise<boolean> {
    const { emulator } = account();
    const key = `${id}@${region}`;
    const known = tokens.get(key) ?? registryClient(emulator, emulator.credentialsFor(roles.get(id) ?? ""), region);
    tokens.set(key, known);
    const client = await known;
    try {
      await pullImage(client, name, "1.0");
      return true;
    } catch (error) {
      if (error instanceof OciError && [401, 403].includes(error.status ?? 0)) return false;
      throw error;
    }
  }

  /** Who of the two gets the image from the replica. */
  async function whoPulls(name: string, region: string = replica): Promise<string[]> {
    const each = await Promise.all([consumer, other].map(async (id) => ((await pulls(id, name, region)) ? [id] : [])));
    return each.flat();
  }

  /** A registry that replicates to one region, with the images of repositories there. The suite is bound to this region. */
  async function replicated(count = 1) {
    const prefix = account().fresh();
    const bound = await account().open(prefix, { binding: { replicationRegions: [replica] } });
    await bound.ok("provisionRegistry", { registry: "images" });
    const names: string[] = [];
    for (let n = 0; n < count; n++) {
      names.push((await bound.ok("createRepository", { registry: "images", name: `app-${n}` })).name);
    }
    for (const name of names) await account().push(name);
    await account().emulator.replicate();
    return { prefix, bound, names, name: names[0] ?? "", unbound: await account().open(prefix) };
  }

  return { account, whoPulls, replicated };
}

export const add = (suite: Suite, repoId: string, ...ids: string[]) =>
  suite.ok("addCrossAccountAccess", { registry: "images", repoId, access: to(...ids) });
export const remove = (suite: Suite, repoId: string, ...ids: string[]) =>
  suite.ok("removeCrossAccountAccess", { registry: "images", repoId, access: to(...ids) });
