import { describe, expect, test } from "vitest";
import { openApplication } from "./support/application.ts";
import { A, B, pullsAs, roleOf } from "./support/consumers.ts";
import { addReplica } from "./support/registry.ts";
import { east, useReplicatedRegistry, west, worker } from "./support/replicated.ts";

const { registry, application } = useReplicatedRegistry();
const bare = async (stem: string) => {
  const { name } = await registry().suite.ok("createRepository", { registry: "images", name: stem });
  // As one that is older than its replicas.
  for (const region of [west, east]) registry().lose(name, region);
  await registry().push(name);
  return name;
};
/** What was sent to DynamoDB while `work` ran. */
const sentDuring = async (work: () => Promise<unknown>) => {
  const { calls } = registry().emulator;
  const before = calls.length;
  await work();
  const sent = calls.slice(before).map(({ action }) => action);
  return { edits: sent.filter((action) => action === "UpdateItem").length, sent };
};
const mayPull = (account: string, name: string, region: string) =>
  pullsAs(registry(), roleOf(registry().emulator, account, "app"), name, region);

describe("a burst of replication events", () => {
  test("300 at once for one repository are one edit, and all of them are done", async () => {
    const name = await bare("burst");
    await registry().add(name, worker(A));
    await registry().emulator.replicate();
    const { edits } = await sentDuring(async () => {
      const all = Array.from({ length: 300 }, () => application().replicated(name, west));
      expect((await Promise.all(all)).filter((error) => error !== undefined)).toEqual([]);
    });
    expect(edits).toBeLessThanOrEqual(10);
    expect(await mayPull(A, name, west)).toBe(true);
    expect(await mayPull(A, name, east)).toBe(false);
  });

  test("in many processes, each takes the lease once at most", async () => {
    const name = await bare("processes");
    await registry().add(name, worker(A));
    await registry().emulator.replicate();
    const env = { AWS_LAMBDA_FUNCTION_NAME: "artifact-registry" };
    const parts = { binding: { replicationRegions: [west, east] }, env };
    const processes = Array.from({ length: 5 }, () => openApplication(registry().stack, parts));
    const { edits } = await sentDuring(async () => {
      const all = Array.from({ length: 100 }, (_, index) => processes[index % 5]?.replicated(name, west));
      expect((await Promise.all(all)).filter((error) => error !== undefined)).toEqual([]);
    });
    expect(edits).toBeLessThanOrEqual(10);
    expect(await mayPull(A, name, west)).toBe(true);
  });

  test("during edits of the repository, the last of which every replica has in the end", async () => {
    const name = await bare("meanwhile");
    await registry().add(name, worker(A));
    await addReplica(registry(), name, west);
    const burst = () => Array.from({ length: 40 }, () => application().replicated(name, west));
    const first = burst();
    const edit = registry().add(name, worker(B));
    const outcomes = await Promise.all([...first, ...burst()]);
    await edit;
    expect(outcomes.filter((error) => error !== undefined)).toEqual([]);
    await registry().remove(name, { accountIds: [A] });
    expect(await Promise.all(burst())).toEqual(Array.from({ length: 40 }, () => undefined));
    expect(await registry().statements(name, west)).toEqual(await registry().statements(name));
  });

  test("of a replica that somebody changed puts it right", async () => {
    const name = await registry().repository("changed");
    await registry().add(name, worker(A));
    const right = await registry().statements(name, west);
    await registry().setPolicy(name, [{ Sid: "Theirs", Effect: "Deny", Principal: "*", Action: "ecr:PutImage" }], west);
    const { edits } = await sentDuring(() => Promise.all([1, 2, 3].map(() => application().replicated(name, west))));
    expect(edits).toBe(2);
    expect((await registry().statements(name, west))?.slice(1)).toEqual(right);
  });

  test("of a replica that is gone, and of one that is right, sends nothing but questions", async () => {
    const name = await registry().repository("right");
    await registry().add(name, worker(A));
    const gone = await bare("gone");
    await registry().add(gone, worker(A));
    const { sent } = await sentDuring(async () => {
      expect(await application().replicated(name, west)).toBeUndefined();
      expect(await application().replicated(gone, east)).toBeUndefined();
    });
    expect([...new Set(sent)].sort()).toEqual(["DescribeRepositories", "GetItem", "GetRepositoryPolicy"]);
  });

  test("after an edit that crashed takes the lease, whatever the replica holds", async () => {
    const name = await registry().repository("crashed");
    await registry().add(name, worker(A));
    const healed = registry().emulator.faults.add({
      fault: { kind: "failure", status: 503 },
      region: west,
      action: "SetRepositoryPolicy",
      times: Number.POSITIVE_INFINITY,
    });
    await registry().suite.refused("addCrossAccountAccess", {
      registry: "images",
      repoId: name,
      access: { type: "aws", accountIds: [B], regions: [], roleArns: [], allowedServiceTypes: [] },
    });
    healed();
    // Home has B, the record and the replica have not, and the plan says why.
    const { edits } = await sentDuring(() => application().replicated(name, west));
    expect(edits).toBe(2);
    expect(await registry().statements(name, west)).toEqual(await registry().statements(name));
  });
});
