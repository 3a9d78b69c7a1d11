import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createBudget, networkOf, overBudget, readLimits, sourceAddress } from "../../core/budget.ts";
import { errorOf } from "../support/inputs.ts";

/** A budget under a clock that the test moves. */
function setUp(perSecond: number, burst: number) {
  let now = 0;
  const { take } = createBudget({ perSecond, burst }, () => now);
  return {
    take,
    advance: (milliseconds: number) => {
      now += milliseconds;
    },
    /** How many of so many tries are let through. */
    taken: (tries: number, key = "me") =>
      Array.from({ length: tries }, () => take(key)).filter((wait) => wait === 0).length,
  };
}

describe("a budget", () => {
  test("lets through a burst at once, and then so many a second", () => {
    const { taken, advance } = setUp(20, 100);
    expect(taken(150)).toBe(100);
    advance(1_000);
    expect(taken(50)).toBe(20);
    advance(60_000);
    expect(taken(150)).toBe(100);
  });

  test("says truly when the next will be let through", () => {
    const { take, advance } = setUp(4, 1);
    expect(take("me")).toBe(0);
    const seconds = take("me");
    expect(seconds).toBe(0.25);
    advance(seconds * 1_000 - 1);
    expect(take("me")).toBeGreaterThan(0);
    advance(1);
    expect(take("me")).toBe(0);
  });

  test("of one key is not another's", () => {
    const { taken } = setUp(1, 3);
    expect([taken(10, "one"), taken(10, "other")]).toEqual([3, 3]);
  });

  test("goes by the clock of this process, where it is given none", () => {
    const { take } = createBudget({ perSecond: 0.001, burst: 2 });
    expect([take("me"), take("me")]).toEqual([0, 0]);
    const wait = take("me");
    expect(wait).toBeGreaterThan(0);
    expect(wait).toBeLessThanOrEqual(1_000);
  });

  test("that is used up is an error that says when to come again", () => {
    expect(overBudget("The caller", 7)).toMatchObject({
      code: "RATE_LIMIT_EXCEEDED",
      message: expect.stringMatching(/^The caller /),
      retryable: true,
      retryAfterSeconds: 7,
      hint: expect.stringContaining("Retry-After"),
    });
  });

  test("of 0 a second sets no limit", () => {
    expect(setUp(0, 0).taken(10_000)).toBe(10_000);
  });

  test("never lets through more than burst and rate allow, however the tries come", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 50 }),
        fc.array(fc.integer({ min: 0, max: 500 }), { maxLength: 200 }),
        (perSecond, burst, pauses) => {
          const { take, advance } = setUp(perSecond, burst);
          let taken = 0;
          let passed = 0;
          for (const pause of pauses) {
            advance(pause);
            passed += pause;
            if (take("me") === 0) taken++;
          }
          expect(taken).toBeLessThanOrEqual(burst + (passed / 1_000) * perSecond + 1e-6);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("the limits", () => {
  test("by default", () => {
    expect(readLimits({})).toEqual({
      caller: { perSecond: 20, burst: 100 },
      failures: { perSecond: 5, burst: 5 },
      trustedProxies: 0,
    });
  });

  test("as they are set", () => {
    const env = {
      ALIEN_CALLER_REQUESTS_PER_SECOND: "0",
      ALIEN_CALLER_BURST: "7",
      ALIEN_FAILED_LOGINS_PER_SECOND: "9",
      ALIEN_TRUSTED_PROXIES: "2",
    };
    expect(readLimits(env)).toEqual({
      caller: { perSecond: 0, burst: 7 },
      failures: { perSecond: 9, burst: 9 },
      trustedProxies: 2,
    });
  });

  test("may be as small as a burst of one, and as large as six digits", () => {
    expect(readLimits({ ALIEN_CALLER_BURST: "1" }).caller.burst).toBe(1);
    expect(readLimits({ ALIEN_TRUSTED_PROXIES: "999999" }).trustedProxies).toBe(999_999);
    expect(readLimits({ ALIEN_TRUSTED_PROXIES: "", ALIEN_CALLER_BURST: "" })).toEqual(readLimits({}));
  });

  test.each([
    ["ALIEN_CALLER_REQUESTS_PER_SECOND", "1000000"],
    ["ALIEN_CALLER_REQUESTS_PER_SECOND", "x5"],
    ["ALIEN_CALLER_REQUESTS_PER_SECOND", "5x"],
    ["ALIEN_CALLER_REQUESTS_PER_SECOND", "many"],
    ["ALIEN_CALLER_REQUESTS_PER_SECOND", "-1"],
    ["ALIEN_CALLER_BURST", "0"],
    ["ALIEN_FAILED_LOGINS_PER_SECOND", "1.5"],
    ["ALIEN_TRUSTED_PROXIES", "all"],
  ])("%s=%s is refused", async (variable, value) => {
    const error = await errorOf(() => readLimits({ [variable]: value }));
    expect(error).toMatchObject({ code: "BINDING_CONFIG_INVALID", context: { variable } });
  });
});

describe("where a request came from", () => {
  test.each<[string, string | undefined, string | null, number, string | undefined]>([
    ["the connection, where no proxy is trusted", "10.0.0.1", "1.1.1.1", 0, "10.0.0.1"],
    ["nothing, where the platform does not tell", undefined, "1.1.1.1", 0, undefined],
    ["the connection without its port", "10.0.0.1:4711", "1.1.1.1", 0, "10.0.0.1"],
    ["whatever the platform calls the connection", "somewhere", "1.1.1.1", 0, "somewhere"],
    ["what the one proxy added", "10.0.0.1", "6.6.6.6, 1.1.1.1", 1, "1.1.1.1"],
    ["what the outer one of two added", "10.0.0.1", "6.6.6.6, 1.1.1.1, 2.2.2.2", 2, "1.1.1.1"],
    ["the first, where there are fewer than should be", "10.0.0.1", "1.1.1.1", 3, "1.1.1.1"],
    ["the connection, where the proxy added nothing", "10.0.0.1", null, 1, "10.0.0.1"],
    ["behind a platform that hides the connection", undefined, "6.6.6.6, 1.1.1.1", 1, "1.1.1.1"],
    ["without its port", undefined, "1.1.1.1:4711", 1, "1.1.1.1"],
    ["IPv6, without brackets and port", undefined, "[2001:db8::1]:4711", 1, "2001:db8::1"],
    ["IPv6 as it stands", undefined, "2001:db8::1", 1, "2001:db8::1"],
    ["the connection, where the entry is no address", "10.0.0.1", "unknown", 1, "10.0.0.1"],
    ["the connection, where brackets stand behind a word", "10.0.0.1", "x[2001:db8::1]", 1, "10.0.0.1"],
    ["the connection, where a word stands behind brackets", "10.0.0.1", "[2001:db8::1]x", 1, "10.0.0.1"],
    ["the connection, where the port is none", "10.0.0.1", "[2001:db8::1]:80x", 1, "10.0.0.1"],
    ["IPv6, without brackets alone", "10.0.0.1", "[2001:db8::1]", 1, "2001:db8::1"],
    ["the connection, where an address stands behind a word", "10.0.0.1", "x1.1.1.1:80", 1, "10.0.0.1"],
    ["the connection, where a word stands behind the port", "10.0.0.1", "1.1.1.1:80x", 1, "10.0.0.1"],
    ["the last of the entries, whatever is empty between them", "10.0.0.1", "6.6.6.6, , 1.1.1.1, ,", 1, "1.1.1.1"],
    ["behind two proxies, the inner of which hides", undefined, "6.6.6.6,1.1.1.1 ,2.2.2.2", 2, "1.1.1.1"],
    ["nothing, where neither is", undefined, "<script>", 1, undefined],
  ])("%s", (_title, address, header, proxies, expected) => {
    expect(sourceAddress(address, header, proxies)).toBe(expected);
  });

  test("a sender can write what it likes in front of what the proxies add", () => {
    fc.assert(
      fc.property(fc.string(), (lie) => {
        expect(sourceAddress("10.0.0.1", `${lie}, 1.1.1.1`, 1)).toBe("1.1.1.1");
      }),
    );
  });

  test.each([
    ["1.1.1.1", "1.1.1.1"],
    ["::ffff:1.1.1.1", "1.1.1.1"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
    ["2001:0DB8:0001:0002::", "2001:db8:1:2"],
    ["2001:db8::6", "2001:db8:0:0"],
    ["::1", "0:0:0:0"],
    ["fe80::1%eth0", "fe80:0:0:0"],
    ["fe80::1%a:b:c:d:e:f:g", "fe80:0:0:0"],
    ["::FFFF:10.20.30.40", "10.20.30.40"],
    ["x::ffff:1.1.1.1", "x::ffff:1.1.1.1"],
    ["::ffff:1.1.1.1x", "::ffff:1.1.1.1x"],
    ["1:2:3::", "1:2:3:0"],
    ["::2:3:4:5:6:7:8", "0:2:3:4"],
    ["1::3:4:5:6:7:8", "1:0:3:4"],
    ["1:2::6:7:8", "1:2:0:0"],
    ["1001:0:10:0100:5:6:7:8", "1001:0:10:100"],
    ["unknown", "unknown"],
  ])("%s is counted as %s", (address, network) => {
    expect(networkOf(address)).toBe(network);
  });
});
