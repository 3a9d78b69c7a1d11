import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { reconcile } from "../../../functions/aws/grants/changes.ts";
import { account, type Grant, grantSet, grantsOf, worker } from "../../../functions/aws/grants/grant.ts";
import { type Attempt, unexplained } from "./history.ts";

/** A word is an account's access, and `worker:1:eu` that of account 1's workers in one region. */
function grant(word: string): Grant {
  const [kind, accountId = "", region = ""] = word.split(":");
  return kind === "worker" ? worker(accountId, region) : account(word);
}
const wordOf = (each: Grant) =>
  each.kind === "account"
    ? each.accountId
    : each.kind === "worker"
      ? `worker:${each.accountId}:${each.region}`
      : "role";
const intent = (word: string) => (/^.(?:worker:|\*)/.test(word) ? word : `${word.slice(0, 1)}account:${word.slice(1)}`);

/** The words that hold, after edits that crashed had set out to do this. */
function held(
  recorded: readonly string[] | undefined,
  unfinished: readonly string[],
  own: readonly string[],
  adopted: readonly string[] = [],
) {
  const document = { own: own.map(grant), adopted: adopted.map(grant) };
  const { grants, revoked } = reconcile(recorded && grantSet(recorded.map(grant)), unfinished.map(intent), document);
  return { grants: grantsOf(grants).map(wordOf), revoked };
}

describe("nobody crashed", () => {
  test("the record decides: a document that fell behind is repaired, in both directions", () => {
    expect(held(["a", "b"], [], ["b", "c"])).toEqual({ grants: ["a", "b"], revoked: false });
  });

  test("nothing was ever recorded: the document is believed", () => {
    expect(held(undefined, ["+x", "-a"], ["b", "a"], ["c", "a"]).grants).toEqual(["a", "b", "c"]);
  });

  test("nothing is granted any more: what is in the document does not come back", () => {
    expect(held([], [], ["a"]).grants).toEqual([]);
  });

  test("grants in statements of earlier tools hold, whatever is recorded", () => {
    expect(held(["a"], [], ["a"], ["z", "a"]).grants).toEqual(["a", "z"]);
  });
});

describe("after a crash", () => {
  test("an addition that took effect stays, one that did not is not made", () => {
    expect(held(["a"], ["+b", "+c"], ["a", "b"]).grants).toEqual(["a", "b"]);
  });

  test("a revocation that took effect stays and is told, one that did not is not made", () => {
    expect(held(["a", "b", "c"], ["-a", "-b"], ["b", "c"])).toEqual({ grants: ["b", "c"], revoked: true });
    expect(held(["a", "b"], ["-a"], ["a", "b"])).toEqual({ grants: ["a", "b"], revoked: false });
  });

  test("an addition never loses a grant, a revocation never brings one back", () => {
    expect(held(["a"], ["+a"], []).grants).toEqual(["a"]);
    expect(held([], ["-a"], ["a"]).grants).toEqual([]);
  });

  test("what the crashed edit had nothing to do with is repaired", () => {
    expect(held(["a", "b"], ["+x"], ["b", "c", "x"]).grants).toEqual(["a", "b", "x"]);
  });

  test("a star covers what begins alike", () => {
    expect(held(["worker:1:eu", "worker:1:us", "worker:12:eu"], ["-worker:1:*"], []).grants).toEqual(["worker:12:eu"]);
    expect(held(["a", "b"], ["-*"], []).grants).toEqual([]);
    expect(held(["a*b"], ["-a"], []).grants).toEqual(["a*b"]);
  });
});

/** One edit, and how it ends. */
interface Step {
  readonly kind: "add" | "remove";
  readonly grant: string;
  /** Before its document is written; after that, but before it is recorded; or not at all. */
  readonly ends: "before writing" | "before recording" | "well";
  /** Its write is applied once more, right after that many later edits: the window that remains. */
  readonly late?: number | undefined;
}

const step = (late: fc.Arbitrary<number | undefined>): fc.Arbitrary<Step> =>
  fc.record({
    kind: fc.constantFrom("add" as const, "remove" as const),
    grant: fc.constantFrom("a", "b", "c", "d"),
    ends: fc.constantFrom("before writing" as const, "before recording" as const, "well" as const, "well" as const),
    late,
  });

/** The order of writes, acted out: plan and lease, document, record. */
function act(steps: readonly Step[], recordFirst = false) {
  let document: readonly string[] = [];
  let item: readonly string[] | undefined;
  let unfinished: string[] = [];
  const attempts: Attempt[] = [];
  const landing = new Map<number, readonly string[]>();
  let repaired = true;
  for (const [index, { kind, grant, ends, late }] of steps.entries()) {
    unfinished = [...unfinished, `${kind === "add" ? "+" : "-"}${grant}`];
    const before = held(item, unfinished.slice(0, -1), document).grants.filter((other) => other !== grant);
    const after = kind === "add" ? [...before, grant] : before;
    if (recordFirst && ends !== "before writing") [item, unfinished] = [after, []];
    if (ends === "well" || (ends === "before recording" && !recordFirst)) document = after;
    if (ends === "well") {
      [item, unfinished] = [after, []];
      repaired = true;
    }
    if (ends !== "before writing" && late !== undefined) landing.set(index + late, after);
    const landed = landing.get(index);
    if (landed) [document, repaired] = [landed, false];
    attempts.push({ kind, grant, start: 2 * index, ...(ends === "well" && { end: 2 * index + 1 }) });
  }
  const last = held(item, unfinished, document).grants;
  return { attempts, document, last, repaired };
}

describe("the order of writes", () => {
  test("wherever edits crash, the document and what the next edit settles on can be explained", () => {
    fc.assert(
      fc.property(fc.array(step(fc.constant(undefined)), { maxLength: 14 }), (steps) => {
        const { attempts, document, last } = act(steps);
        expect(unexplained(attempts, document)).toEqual([]);
        expect(unexplained(attempts, last)).toEqual([]);
        // What the next edit settles on is no surprise to those who read the document.
        expect([...document].sort()).toEqual(last);
      }),
      { numRuns: 2_000 },
    );
  });

  test("also when writes land late: the document may be wrong then, until the next edit has repaired it", () => {
    fc.assert(
      fc.property(
        fc.array(step(fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined })), { maxLength: 14 }),
        (s) => {
          const { attempts, document, last, repaired } = act(s);
          expect(unexplained(attempts, last)).toEqual([]);
          if (repaired) expect(unexplained(attempts, document)).toEqual([]);
        },
      ),
      { numRuns: 5_000 },
    );
  });

  test("recording first would leave what nobody can see", () => {
    const crashed: Step = { kind: "remove", grant: "a", ends: "before recording" };
    const { document, last } = act([{ kind: "add", grant: "a", ends: "well" }, crashed], true);
    expect([document, last]).toEqual([["a"], []]);
  });
});
