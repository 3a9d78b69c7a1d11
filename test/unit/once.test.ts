import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { startCall } from "../../core/call.ts";
import type { RoutableName } from "../../core/names.ts";
import { once } from "../../core/once.ts";
import { createArm } from "../../functions/azure/arm/requests.ts";
import { createOwnIdentity } from "../../functions/azure/identity.ts";
import { assignmentsOn } from "../../functions/azure/provisioning/assignments.ts";
import { createGarRegistry } from "../../functions/gcp/gar/adapter.ts";

/** A load whose first runs fail, and which then answers how often it ran. */
function failing(failures: number) {
  let runs = 0;
  const load = async () => {
    runs += 1;
    if (runs <= failures) throw new Error(`failure ${runs}`);
    return runs;
  };
  return { load, runs: () => runs };
}

describe("once", () => {
  test("loads nothing before it is asked, and one thing for all who ask, at the same time or later", async () => {
    const { load, runs } = failing(0);
    const value = once(load);
    expect(runs()).toBe(0);
    expect(await Promise.all(Array.from({ length: 20 }, () => value()))).toEqual(Array(20).fill(1));
    expect(await value()).toBe(1);
    expect(runs()).toBe(1);
  });

  test("keeps what is no promise, also undefined", async () => {
    let runs = 0;
    const value = once((): undefined => {
      runs += 1;
    });
    expect([await value(), await value(), runs]).toEqual([undefined, undefined, 1]);
  });

  test("a failure reaches all who wait for it, and the next one who asks tries again", async () => {
    const { load, runs } = failing(2);
    const value = once(load);
    for (const failure of [1, 2]) {
      const answers = await Promise.allSettled([value(), value(), value()]);
      expect(answers).toEqual(Array(3).fill({ status: "rejected", reason: new Error(`failure ${failure}`) }));
    }
    expect([await value(), await value(), runs()]).toEqual([3, 3, 3]);
  });

  test("whoever asks again the moment that it failed gets a new load", async () => {
    const { load } = failing(1);
    const value = once(load);
    expect(await value().catch(() => value())).toBe(2);
  });

  test("what is thrown before there is a promise is a failure like any other", async () => {
    let runs = 0;
    const value = once(() => {
      runs += 1;
      if (runs === 1) throw new Error("at once");
      return runs;
    });
    await expect(value()).rejects.toThrow("at once");
    expect(await value()).toBe(2);
  });

  test("a failure that nobody waits for ends no process", async () => {
    const unhandled = vi.fn();
    process.on("unhandledRejection", unhandled);
    const value = once(failing(1).load);
    void value().catch(() => undefined);
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", unhandled);
    expect(unhandled).not.toHaveBeenCalled();
    expect(await value()).toBe(2);
  });

  test("forgets a value that turned out to be of no use, and never the one that took its place", async () => {
    const { load } = failing(0);
    const value = once(load);
    const first = value();
    await first;
    value.forget(first);
    const second = value();
    expect(await second).toBe(2);
    value.forget(first);
    expect(value()).toBe(second);
  });

  test("a load that fails late does not take away what was loaded after it was forgotten", async () => {
    const gates = [Promise.withResolvers<number>(), Promise.withResolvers<number>()];
    const loads = [...gates];
    const value = once(() => loads.shift()?.promise ?? 0);
    const first = value();
    value.forget(first);
    const second = value();
    gates[1]?.resolve(2);
    gates[0]?.reject(new Error("late"));
    await expect(first).rejects.toThrow("late");
    expect([await second, await value()]).toEqual([2, 2]);
  });
});

/** Whether modules that are loaded late can be loaded; they cannot where a process has too many files open. */
const late = vi.hoisted(() => {
  const open = { tooMany: false };
  const unlessTooMany = (exports: object) => async () => {
    if (open.tooMany) throw new Error("EMFILE");
    return exports;
  };
  return { open, unlessTooMany };
});
vi.mock(
  "../../functions/azure/other-identity.ts",
  late.unlessTooMany({ otherIdentity: () => ({ getToken: async () => ({ token: "t" }) }) }),
);
vi.mock("../../functions/azure/arm/client.ts", late.unlessTooMany({ createClient: () => ({}), restorePoller: {} }));
vi.mock(
  "../../functions/azure/provisioning/authorization-client.ts",
  late.unlessTooMany({ createRoleAssignments: () => ({}), getContinuationToken: {} }),
);
vi.mock(
  "../../functions/gcp/gar/control-plane.ts",
  late.unlessTooMany({ createControlPlane: () => ({ open: () => Promise.reject(new Error("reached")) }) }),
);

/** All that an error says, its causes included; nothing where there is none. */
async function saidBy(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "";
  } catch (error) {
    const said: string[] = [];
    for (let each = error; each instanceof Error; each = each.cause) said.push(each.message);
    return said.join(": ");
  }
}

describe("what is loaded late is loaded by the next call where it could not be", () => {
  const env = { AZURE_SUBSCRIPTION_ID: "00000000-0000-0000-0000-000000000001" };
  const identity = createOwnIdentity({});
  const acr = { service: "acr", registryName: "example", resourceGroupName: "group" } as const;
  const gar = createGarRegistry({
    name: "images",
    binding: { service: "gar", projectId: "example-project", location: "europe-west1", repositoryName: "images" },
    derived: false,
    others: [],
    env: {},
  });
  const call = startCall({
    requestId: "r",
    caller: { issuer: "i", subject: "s" },
    signal: new AbortController().signal,
    now: () => new Date(0),
    retry: { attempts: 1, baseMs: 1, capMs: 1 },
  });
  const arm = createArm(identity, undefined, env);
  const assigned = assignmentsOn({ identity, binding: acr, env });
  const app = "example-project/images/app" as RoutableName;

  test.each<[string, string, () => Promise<unknown>]>([
    ["Azure's identity", "", () => identity.getToken("scope")],
    ["Azure Resource Manager", "", () => arm.load()],
    ["Azure's role assignments", "", () => assigned.load()],
    ["Artifact Registry's control plane", "reached", () => gar.deleteRepository(app, call)],
  ])("%s", async (_name, afterwards, load) => {
    late.open.tooMany = true;
    for (let i = 0; i < 2; i += 1) expect(await saidBy(load())).toContain("EMFILE");
    late.open.tooMany = false;
    const said = await saidBy(load());
    expect([said.includes("EMFILE"), said.includes(afterwards), said === ""]).toEqual([false, true, afterwards === ""]);
  });
});

test("nobody else keeps a promise for later", () => {
  const root = join(import.meta.dirname, "../..");
  const found = ["core", "functions", "client"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts"))
      .map((file) => join(folder, file))
      .filter((file) =>
        /^\s*let \w+: Promise<|\w+ \?\?= (await )?import\(/m.test(readFileSync(join(root, file), "utf8")),
      ),
  );
  expect(found).toEqual(["core/once.ts"]);
});
