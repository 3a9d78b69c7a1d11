import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Call, startCall } from "../../core/call.ts";
import type { Caller } from "../../core/caller.ts";
import { withCredentialCache } from "../../core/credential-cache.ts";
import { ArtifactRegistryError } from "../../core/errors.ts";
import type { RoutableName } from "../../core/names.ts";
import type { ArtifactRegistry, MintedCredentials } from "../../core/registry.ts";
import type { Capabilities } from "../../core/registry-schemas.ts";
import type { Permissions } from "../../core/schemas.ts";
import { Secret } from "../../core/secret.ts";
import { createFakeRegistry } from "../support/fake-registry.ts";
import { errorOf } from "../support/inputs.ts";

const start = Date.parse("2026-01-01T00:00:00Z");
const app = "images/app" as RoutableName;
const alice: Caller = { issuer: "https://issuer.example", subject: "alice" };

type Mint = (serial: number, ttlSeconds: number, signal: AbortSignal) => Promise<Partial<MintedCredentials>>;

/** A cache over a registry that numbers what it mints, with a clock that the test moves. */
function setUp(
  mint: Mint = async () => ({}),
  remove: () => Promise<void> = async () => {},
  name = "images",
  ttlSeconds: Capabilities["credentials"]["ttlSeconds"] | null = { min: 60, max: 43_200, default: 3_600 },
) {
  let now = start;
  let minted = 0;
  const fake = createFakeRegistry();
  const { ttlSeconds: _, ...credentials } = fake.capabilities.credentials;
  const inner: ArtifactRegistry = {
    ...fake,
    capabilities: { ...fake.capabilities, credentials: { ...credentials, ...(ttlSeconds && { ttlSeconds }) } },
    async generateCredentials({ ttlSeconds }, call) {
      const serial = ++minted;
      const lifetime = ttlSeconds ?? 3_600;
      const expiresAt = new Date(call.now().getTime() + lifetime * 1_000);
      const special = await mint(serial, lifetime, call.signal);
      const password = new Secret(String(serial));
      return { authMethod: "basic", username: "token", password, scope: "repository", expiresAt, ...special };
    },
    deleteRepository: remove,
  };
  const registry = withCredentialCache(name, inner);
  const call = (caller: Caller = alice, signal: AbortSignal = new AbortController().signal): Call =>
    startCall({ requestId: "r", caller, signal, now: () => new Date(now) });
  return {
    registry,
    call,
    minted: () => minted,
    advance: (milliseconds: number) => {
      now += milliseconds;
    },
    /** The serial number of the credential that is handed out. */
    async serial(
      options: {
        caller?: Caller;
        repository?: string;
        permissions?: Permissions;
        alsoPull?: readonly string[];
        ttl?: number;
        signal?: AbortSignal;
      } = {},
    ): Promise<number> {
      const { caller, repository = app, permissions = "pull", signal } = options;
      const credentials = await registry.generateCredentials(
        {
          name: repository as RoutableName,
          permissions,
          alsoPull: options.alsoPull as RoutableName[] | undefined,
          ttlSeconds: options.ttl,
        },
        call(caller, signal),
      );
      return Number(credentials.password.reveal());
    },
  };
}

/** A promise that the test settles. */
function gate() {
  return Promise.withResolvers<void>();
}

describe("single flight", () => {
  test("a hundred identical requests at once mint once", async () => {
    const open = gate();
    const { serial, minted } = setUp(async () => {
      await open.promise;
      return {};
    });
    const all = Promise.all(Array.from({ length: 100 }, () => serial()));
    open.resolve();
    expect(new Set(await all)).toEqual(new Set([1]));
    expect(minted()).toBe(1);
  });

  test("a credential without an end is shared in flight and never kept", async () => {
    const open = gate();
    const { registry, call, minted } = setUp();
    const { expiresAt: _, ...endless } = await registry.generateCredentials(
      { name: app, permissions: "pull", ttlSeconds: 1 },
      call(),
    );
    let count = 0;
    const inner: ArtifactRegistry = {
      ...createFakeRegistry(),
      async generateCredentials() {
        count++;
        await open.promise;
        return endless;
      },
    };
    const cached = withCredentialCache("images", inner);
    const both = Promise.all([
      cached.generateCredentials({ name: app, permissions: "pull" }, call()),
      cached.generateCredentials({ name: app, permissions: "pull" }, call()),
    ]);
    open.resolve();
    await both;
    expect(count).toBe(1);
    await cached.generateCredentials({ name: app, permissions: "pull" }, call());
    expect(count).toBe(2);
    expect(minted()).toBe(1);
  });

  test("a failure reaches all who waited and is not kept", async () => {
    const open = gate();
    const { serial, minted } = setUp(async (number) => {
      await open.promise;
      if (number === 1) throw new ArtifactRegistryError("ACCESS_DENIED", "no");
      return {};
    });
    const waiting = [errorOf(() => serial()), errorOf(() => serial())];
    open.resolve();
    expect((await Promise.all(waiting)).map((error) => error.code)).toEqual(["ACCESS_DENIED", "ACCESS_DENIED"]);
    expect(minted()).toBe(1);
    expect(await serial()).toBe(2);
  });

  test("whoever asked first and went away does not harm the others, who mint once among them", async () => {
    const first = new AbortController();
    const { serial, minted } = setUp(async (_number, _ttl, signal) => {
      await new Promise((resolve, reject) => {
        if (signal === first.signal) signal.addEventListener("abort", () => reject(signal.reason));
        else setImmediate(resolve);
      });
      return {};
    });
    const gone = serial({ signal: first.signal });
    const others = Promise.all(Array.from({ length: 10 }, () => serial()));
    first.abort(new ArtifactRegistryError("TIMEOUT", "gone"));
    expect((await errorOf(() => gone)).code).toBe("TIMEOUT");
    expect(new Set(await others)).toEqual(new Set([2]));
    expect(minted()).toBe(2);
  });

  test("who went away too gets the error, and no second mint is made for them", async () => {
    const first = new AbortController();
    const second = new AbortController();
    const { serial, minted } = setUp(async (_number, _ttl, signal) => {
      await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      return {};
    });
    const both = [errorOf(() => serial({ signal: first.signal })), errorOf(() => serial({ signal: second.signal }))];
    second.abort();
    first.abort(new ArtifactRegistryError("TIMEOUT", "gone"));
    expect((await Promise.all(both)).map((error) => error.code)).toEqual(["TIMEOUT", "TIMEOUT"]);
    expect(minted()).toBe(1);
  });
});

describe("what tells two credentials apart", () => {
  test.each([
    ["the caller's subject", { caller: { ...alice, subject: "bob" } }],
    ["the caller's issuer", { caller: { ...alice, issuer: "https://other.example" } }],
    ["issuer and subject, cut elsewhere", { caller: { issuer: "https://issuer.examplea", subject: "lice" } }],
    ["the repository", { repository: "images/app2" }],
    ["the permission", { permissions: "push-pull" as const }],
    ["a repository that is pulled from as well", { alsoPull: ["images/base"] }],
    ["the lifetime", { ttl: 901 }],
  ])("%s", async (_title, other) => {
    const { serial } = setUp();
    const mine = { ttl: 900 };
    expect([await serial(mine), await serial({ ...mine, ...other }), await serial(mine)]).toEqual([1, 2, 1]);
  });

  test("further repositories, but not their order", async () => {
    const { serial } = setUp();
    expect(await serial({ alsoPull: ["images/a", "images/b"] })).toBe(1);
    expect(await serial({ alsoPull: ["images/b", "images/a"] })).toBe(1);
    expect(await serial({ alsoPull: ["images/a"] })).toBe(2);
    expect(await serial({ repository: "images/a", alsoPull: [app, "images/b"] })).toBe(3);
    expect(await serial({ alsoPull: ["images/a", "images/b"] })).toBe(1);
  });

  test("lifetimes of which the platform makes the same are the same", async () => {
    const { serial, minted } = setUp();
    // The platform's shortest is 60 s, its longest 43,200 s and its default 3,600 s.
    const wishes = [[undefined, 3_600], [1, 2, 30, 60], [43_200, 43_201, 10 ** 12], [61]];
    for (const [place, same] of wishes.entries()) {
      for (const ttl of same) expect(await serial(ttl === undefined ? {} : { ttl })).toBe(place + 1);
    }
    expect(minted()).toBe(wishes.length);
  });

  test("where the platform sets the lifetime alone, no wish mints again", async () => {
    const { serial } = setUp(undefined, undefined, "images", null);
    expect([await serial(), await serial({ ttl: 1 }), await serial({ ttl: 900 })]).toEqual([1, 1, 1]);
  });

  test("no caller can push another's out", async () => {
    const { serial } = setUp();
    const bob = { ...alice, subject: "bob" };
    expect(await serial()).toBe(1);
    for (let each = 0; each < 11_000; each++) await serial({ caller: bob, repository: `images/app${each}` });
    expect(await serial()).toBe(1);
  });

  test("ten thousand callers leave each other alone, and those that came too late mint anew", async () => {
    const { serial, advance } = setUp();
    const callerOf = (number: number) => ({ ...alice, subject: `caller-${number}` });
    for (let each = 0; each < 10_000; each++) await serial({ caller: callerOf(each) });
    expect([await serial({ caller: alice }), await serial({ caller: alice })]).toEqual([10_001, 10_002]);
    expect([await serial({ caller: callerOf(0) }), await serial({ caller: callerOf(9_999) })]).toEqual([1, 10_000]);
    // Those whose credentials are old make room.
    advance(3_600_000);
    expect([await serial({ caller: alice }), await serial({ caller: alice })]).toEqual([10_003, 10_003]);
  });

  test("a credential that is handed out again has its first id", async () => {
    const { registry, call } = setUp();
    const request = { name: app, permissions: "pull" } as const;
    const ids = [];
    for (const credentialId of ["one", "two"]) {
      ids.push((await registry.generateCredentials({ ...request, credentialId }, call())).credentialId);
    }
    expect(ids).toEqual(["one", "one"]);
  });

  test("in flight as well", async () => {
    const { serial, minted } = setUp();
    const bob = { ...alice, subject: "bob" };
    const serials = await Promise.all([serial(), serial({ caller: bob }), serial({ permissions: "push-pull" })]);
    expect(new Set(serials).size).toBe(3);
    expect(minted()).toBe(3);
  });

  test("no two registries share a cache", async () => {
    const one = setUp(undefined, undefined, "one");
    const two = setUp(undefined, undefined, "two");
    await one.serial();
    await two.serial();
    expect([one.minted(), two.minted()]).toEqual([1, 1]);
  });

  test("quotes and commas in a subject do not spill over", async () => {
    const { serial } = setUp();
    const sly = { issuer: alice.issuer, subject: 'alice","images","images/app' };
    expect([await serial({ caller: alice }), await serial({ caller: sly })]).toEqual([1, 2]);
  });
});

describe("handed out again while 90 % of the lifetime is left", () => {
  test.each([1, 7, 900, 3_600, 43_200])("a lifetime of %i s, to the millisecond", async (ttl) => {
    const { serial, advance } = setUp();
    expect(await serial({ ttl })).toBe(1);
    advance(ttl * 100);
    expect(await serial({ ttl })).toBe(1);
    advance(1);
    expect(await serial({ ttl })).toBe(2);
    advance(ttl * 100);
    expect(await serial({ ttl })).toBe(2);
  });

  test("time that passes while minting counts as used", async () => {
    const fixture = setUp(async (number) => {
      if (number === 1) fixture.advance(100_000);
      return {};
    });
    expect(await fixture.serial({ ttl: 1_000 })).toBe(1);
    expect(await fixture.serial({ ttl: 1_000 })).toBe(1);
    fixture.advance(1);
    expect(await fixture.serial({ ttl: 1_000 })).toBe(2);
  });

  test("the granted lifetime counts, not the wished one", async () => {
    const { serial, advance } = setUp(async () => ({ expiresAt: new Date(start + 900_000) }));
    expect(await serial({ ttl: 1 })).toBe(1);
    advance(90_000);
    expect(await serial({ ttl: 1 })).toBe(1);
    advance(1);
    expect(await serial({ ttl: 1 })).toBe(2);
  });

  test.each([0, -1, -60_000])("one that was over after %i ms is never handed out again", async (late) => {
    const { serial } = setUp(async () => ({ expiresAt: new Date(start + late) }));
    expect([await serial(), await serial()]).toEqual([1, 2]);
  });
});

describe("deletion evicts", () => {
  test("every caller's, permission's and lifetime's credential of that repository, and no other", async () => {
    const { serial, registry, call } = setUp();
    const bob = { ...alice, subject: "bob" };
    const wanted = [{}, { caller: bob }, { permissions: "push-pull" as const }, { ttl: 60 }];
    for (const each of wanted) await serial(each);
    const other = await serial({ repository: "images/app/sub" });
    await registry.deleteRepository(app, call());
    const again: number[] = [];
    for (const each of wanted) again.push(await serial(each));
    expect(again).toEqual([6, 7, 8, 9]);
    expect(await serial({ repository: "images/app/sub" })).toBe(other);
  });

  test("each time", async () => {
    const { serial, registry, call } = setUp();
    for (const minted of [1, 2, 3, 4]) {
      expect([await serial(), await serial()]).toEqual([minted, minted]);
      await registry.deleteRepository(app, call());
    }
  });

  test("also the credentials that only pull from that repository beside another", async () => {
    const { serial, registry, call } = setUp();
    const base = "images/base" as RoutableName;
    expect([await serial({ alsoPull: [base] }), await serial()]).toEqual([1, 2]);
    await registry.deleteRepository(base, call());
    expect([await serial({ alsoPull: [base] }), await serial()]).toEqual([3, 2]);
  });

  test("also what is being minted meanwhile: it is handed to who asked and not kept", async () => {
    const open = gate();
    const { serial, registry, call } = setUp(async (number) => {
      if (number === 1) await open.promise;
      return {};
    });
    const before = serial();
    await registry.deleteRepository(app, call());
    const after = serial();
    expect(await after).toBe(2);
    open.resolve();
    expect(await before).toBe(1);
    expect(await serial()).toBe(2);
  });

  test("also when its answer was lost: it may have been applied", async () => {
    const { serial, registry, call } = setUp(undefined, async () => {
      throw new ArtifactRegistryError("TIMEOUT", "no answer", { retryable: true });
    });
    expect(await serial()).toBe(1);
    expect((await errorOf(() => registry.deleteRepository(app, call()))).code).toBe("TIMEOUT");
    expect(await serial()).toBe(2);
  });
});

describe("revoked", () => {
  test("a credential is not handed out again, and another one is minted in its place", async () => {
    const revoked = new Set<number>();
    const asked: Date[] = [];
    const { serial } = setUp(async (number) => ({
      async stillCounts(now) {
        asked.push(now);
        return !revoked.has(number);
      },
    }));
    expect([await serial(), await serial()]).toEqual([1, 1]);
    revoked.add(1);
    expect([await serial(), await serial()]).toEqual([2, 2]);
    expect(asked).toEqual(Array(3).fill(new Date(start)));
  });
});

test("everything but credentials and deletion is the registry's own", () => {
  const inner = createFakeRegistry();
  const { generateCredentials: _1, deleteRepository: _2, ...rest } = withCredentialCache("images", inner);
  expect(inner).toMatchObject(rest);
});

describe("against a model", () => {
  type Key = { caller: number; repository: number; permissions: Permissions; ttl: number };
  type Step = { mint: Key } | { remove: number } | { advance: number };
  const key = fc.record<Key>({
    caller: fc.integer({ min: 0, max: 1 }),
    repository: fc.integer({ min: 0, max: 1 }),
    permissions: fc.constantFrom("pull", "push-pull"),
    ttl: fc.constantFrom(10, 100),
  });
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 6, arbitrary: fc.record({ mint: key }) },
    { weight: 1, arbitrary: fc.record({ remove: fc.integer({ min: 0, max: 1 }) }) },
    { weight: 3, arbitrary: fc.record({ advance: fc.constantFrom(1, 500, 999, 1_000, 1_001, 9_000, 10_000, 20_000) }) },
  );

  test("any sequence of minting, deleting and waiting", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const { serial, registry, call, advance } = setUp();
        const kept = new Map<string, { serial: number; until: number; repository: number }>();
        let clock = 0;
        let next = 1;
        for (const each of steps) {
          if ("advance" in each) {
            clock += each.advance;
            advance(each.advance);
          } else if ("remove" in each) {
            await registry.deleteRepository(`images/${each.remove}` as RoutableName, call());
            for (const [name, entry] of kept) if (entry.repository === each.remove) kept.delete(name);
          } else {
            const { caller, repository, permissions, ttl } = each.mint;
            const name = JSON.stringify(each.mint);
            const known = kept.get(name);
            const expected = known && clock <= known.until ? known.serial : next++;
            if (expected !== known?.serial) kept.set(name, { serial: expected, until: clock + ttl * 100, repository });
            const actual = await serial({
              caller: { issuer: "i", subject: String(caller) },
              repository: `images/${repository}`,
              permissions,
              ttl,
            });
            expect(actual).toBe(expected);
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});
