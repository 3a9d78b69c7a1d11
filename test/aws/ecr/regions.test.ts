import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { startCall } from "../../../core/call.ts";
import type { EcrContext, PolicyLeases } from "../../../functions/aws/ecr/context.ts";
import { regionsOf } from "../../../functions/aws/ecr/regions.ts";
import {
  createProcessRecord,
  type RegionState,
  type RegistryRecords,
  regionsIn,
  statesOf,
} from "../../../functions/aws/lease/registry.ts";
import { clearRegions, declareRegions } from "../../../functions/aws/provisioning/regions.ts";
import type { Site } from "../../../functions/aws/provisioning/site.ts";

const home = "us-east-1";
const call = startCall({
  requestId: "request-1",
  caller: { issuer: "door", subject: "test" },
  signal: new AbortController().signal,
  now: () => new Date(),
});

/** A function whose binding names these regions; a derived one asks the registry's tags, which name others by now. */
function functionOf(registry: RegistryRecords, replicaRegions: readonly string[], tags?: readonly string[]) {
  const context = { place: { region: home }, replicaRegions } as unknown as EcrContext;
  const derived = tags && { ...context, latest: async () => ({ ...context, replicaRegions: tags }) };
  return () => regionsOf(derived ?? context, { registry } as PolicyLeases, call);
}

const provisioned = (states: Readonly<Record<string, RegionState>>) => {
  const registry = createProcessRecord();
  return registry.change(call, () => ({ provisioned: true, states })).then(() => registry);
};

describe("of a registry that was provisioned", () => {
  test("are those of the record, whatever the binding names", async () => {
    const registry = await provisioned({ "eu-west-1": "here", "eu-north-1": "filling", "ap-south-1": "leaving" });
    const here = ["eu-north-1", "eu-west-1"];
    expect(await functionOf(registry, [])()).toMatchObject({ here, leaving: ["ap-south-1"] });
    expect(await functionOf(registry, ["eu-west-1"])()).toMatchObject({ here, leaving: ["ap-south-1"] });
    expect(await functionOf(registry, ["ap-south-1", "sa-east-1"])()).toMatchObject({
      here,
      leaving: ["ap-south-1", "sa-east-1"],
    });
  });

  test("no derived binding asks the tags for", async () => {
    const registry = await provisioned({ "eu-west-1": "here" });
    const latest = () => Promise.reject(new Error("It asked."));
    const context = { place: { region: home }, replicaRegions: [], latest } as unknown as EcrContext;
    expect(await regionsOf(context, { registry } as PolicyLeases, call)).toMatchObject({
      here: ["eu-west-1"],
      leaving: [],
    });
  });

  test("never are home", async () => {
    const registry = await provisioned({ [home]: "here", "eu-west-1": "leaving" });
    expect(await functionOf(registry, [home])()).toMatchObject({ here: [], leaving: ["eu-west-1"] });
  });
});

describe("of a registry that was never provisioned", () => {
  test("are those of the binding; what an edit reached once is leaving when it is named no more", async () => {
    const registry = createProcessRecord();
    expect(await functionOf(registry, ["eu-west-1"])()).toMatchObject({ here: ["eu-west-1"], leaving: [] });
    expect(await functionOf(registry, ["eu-north-1"])()).toMatchObject({
      here: ["eu-north-1"],
      leaving: ["eu-west-1"],
    });
    expect(await functionOf(registry, [])()).toMatchObject({ here: [], leaving: ["eu-west-1", "eu-north-1"] });
    expect(await functionOf(registry, ["eu-west-1"])()).toMatchObject({ here: ["eu-west-1"], leaving: ["eu-north-1"] });
  });

  test("are those of the tags at this moment where the binding is derived", async () => {
    const registry = createProcessRecord();
    expect(await functionOf(registry, ["eu-west-1"], ["eu-north-1"])()).toMatchObject({
      here: ["eu-north-1"],
      leaving: [],
    });
    expect(statesOf(await registry.read(call))).toEqual({ "eu-north-1": "here" });
  });

  test("are remembered once", async () => {
    const registry = createProcessRecord();
    await functionOf(registry, ["eu-west-1"])();
    await functionOf(registry, ["eu-west-1"])();
    expect((await registry.read(call)).version).toBe(1);
  });

  test("are those of the record where it is provisioned at this very moment", async () => {
    const registry = createProcessRecord();
    const overtaken: RegistryRecords = {
      read: (each) => registry.read(each),
      async change(each, draft) {
        await registry.change(each, () => ({ provisioned: true, states: { "eu-west-1": "leaving" } }));
        return registry.change(each, draft);
      },
    };
    const { here, leaving } = await functionOf(overtaken, ["eu-west-1", "eu-north-1"])();
    expect([here, leaving]).toEqual([[], ["eu-west-1", "eu-north-1"]]);
  });
});

test("provisioning: new and returning regions are filling, dropped ones leave, and what is here stays", async () => {
  const registry = await provisioned({ "eu-west-1": "here", "eu-north-1": "leaving", "eu-south-1": "here" });
  const site = { context: { place: { region: home } }, leases: { registry } } as unknown as Site;
  const record = await declareRegions(site, ["eu-west-1", "eu-north-1", "sa-east-1"], ["ap-south-1", home], call);
  expect(statesOf(record)).toEqual({
    "eu-west-1": "here",
    "eu-north-1": "filling",
    "sa-east-1": "filling",
    "eu-south-1": "leaving",
    "ap-south-1": "leaving",
  });
  // Edits may have written to the regions that its binding named, and others may have missed some.
  const unknown = createProcessRecord();
  await unknown.change(call, () => ({ provisioned: false, states: { "eu-west-1": "here", "eu-south-1": "here" } }));
  const first = await declareRegions({ ...site, leases: { registry: unknown } as never }, ["eu-west-1"], [], call);
  expect(statesOf(first)).toEqual({ "eu-west-1": "filling", "eu-south-1": "leaving" });
});

test("no region is looked through where none is leaving", async () => {
  await clearRegions({} as Site, [], call);
});

const names = ["eu-west-1", "eu-north-1", "ap-south-1"] as const;
const some = fc.subarray([...names]);
const step = fc.oneof(
  fc.record({ kind: fc.constant("grant" as const), binding: some }),
  fc.record({ kind: fc.constant("revoke" as const), binding: some }),
  fc.record({ kind: fc.constant("declare" as const), wanted: some }),
  fc.record({ kind: fc.constant("finish" as const), wanted: some }),
);

/**
 * One repository with one grantee: `open` holds the regions whose replica lets them pull. Bindings are old, new or wrong at
 * each step, and provisioning may end after it has written down what it wants.
 */
test("whatever the bindings say: no revocation leaves a replica open, and no region that left is opened", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 14 }), async (steps) => {
      const registry = createProcessRecord();
      const site = { context: { place: { region: home } }, leases: { registry } } as unknown as Site;
      let open = new Set<string>();
      let wanted: readonly string[] | undefined;
      for (const each of steps) {
        if (each.kind === "grant") {
          const { here } = await functionOf(registry, each.binding)();
          if (wanted) expect([...here].sort()).toEqual([...wanted].sort());
          open = new Set([...open, ...here]);
        } else if (each.kind === "revoke") {
          const { here, leaving } = await functionOf(registry, each.binding)();
          open = new Set([...open].filter((region) => !here.includes(region) && !leaving.includes(region)));
          expect([...open]).toEqual([]);
        } else {
          ({ wanted } = each);
          const record = await declareRegions(site, wanted, [], call);
          if (each.kind === "declare") continue;
          const left = regionsIn(record, "leaving");
          open = new Set([...open].filter((region) => !left.includes(region)));
          await registry.change(call, (before) => {
            const states = Object.entries(statesOf(before)).filter(([region]) => !left.includes(region));
            return { ...before, states: Object.fromEntries(states) };
          });
          expect([...open].filter((region) => !wanted?.includes(region))).toEqual([]);
        }
      }
    }),
    { numRuns: 500 },
  );
});
