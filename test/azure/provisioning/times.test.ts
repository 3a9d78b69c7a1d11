import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { azureTimes } from "../../emulators/azure/world.ts";
import { holdTimeLimits } from "../../support/time-limits.ts";
import { useGroup } from "./support/group.ts";

/**
 * A registry's PUT takes 8 seconds on Azure and its DELETE up to 31, before there is an answer. The time limits are the test's, and so is
 * the emulator's clock.
 */
const group = useGroup();
const input = { registry: "images" };
const seen = () => group().azure.calls.map(({ service, action }) => `${service}:${action}`);
const writes = (calls: readonly string[]) => calls.filter((each) => /^arm:(?:PUT|PATCH|DELETE) registries$/.test(each));

beforeEach(() => {
  const { azure } = group();
  azure.behaviour.requestMs = azureTimes;
  azure.calls.length = 0;
});
afterEach(() => {
  group().azure.behaviour.requestMs = {};
});

const sent = (action: string) => expect.poll(() => writes(seen())).toEqual([action]);

/** Lets so much time go by: for the limits of the code under test, and at the emulator. */
function pass(limits: ReturnType<typeof holdTimeLimits>, ms: number): void {
  limits.end(ms);
  group().azure.advance(ms);
}

describe("a write of the registry has time", () => {
  test("to be made, to be changed and to be deleted, each by one request", async () => {
    const name = group().fresh();
    const suite = await group().open(name);
    const limits = holdTimeLimits();
    const made = suite.ok("provisionRegistry", input);
    await sent("arm:PUT registries");
    pass(limits, 8_000);
    expect(await made).toMatchObject({ binding: { registryName: name } });

    group().azure.calls.length = 0;
    Object.assign(group().registry(name) ?? {}, { adminUserEnabled: true });
    const changed = suite.ok("provisionRegistry", input);
    await sent("arm:PATCH registries");
    pass(limits, 8_000);
    expect(await changed).toMatchObject({ binding: { registryName: name } });

    group().azure.calls.length = 0;
    const gone = suite.ok("deprovisionRegistry", input);
    await sent("arm:DELETE registries");
    pass(limits, 31_000);
    expect(await gone).toEqual({});
    expect(group().registry(name)).toBeUndefined();
    expect(writes(seen())).toEqual(["arm:DELETE registries"]);
  });
});

describe("a write whose answer does not come in 45 seconds", () => {
  test.each([
    ["provisionRegistry", "PUT"],
    ["deprovisionRegistry", "DELETE"],
  ] as const)("%s looks at the registry, and does not send it again", async (operation, method) => {
    const name = group().fresh();
    if (method === "DELETE") await group().seedOwn(name);
    const suite = await group().open(name);
    const limits = holdTimeLimits();
    const answer = suite.ok(operation, input);
    await sent(`arm:${method} registries`);
    expect(limits.set).toContain(45_000);
    limits.end(45_000);
    expect(await answer).toEqual(method === "PUT" ? { binding: expect.anything() } : {});
    expect(writes(seen())).toEqual([`arm:${method} registries`]);
    expect(group().registry(name) !== undefined).toBe(method === "PUT");
  });
});
