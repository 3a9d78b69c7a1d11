import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { grantsOf } from "../../../functions/aws/grants/grant.ts";
import { anyGrants, aws, readPolicy, writePolicy } from "./support/access.ts";
import { foreignPolicy } from "./support/foreign.ts";

/** As AWS may give a policy back: lists in another order, one item without its list, white space. */
function asStored(text: string): string {
  const shuffle = (value: unknown): unknown => {
    if (Array.isArray(value)) {
      const items = value.map(shuffle).reverse();
      return items.length === 1 && typeof items[0] === "string" ? items[0] : items;
    }
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .map(([key, held]) => [key, shuffle(held)])
        .reverse(),
    );
  };
  return JSON.stringify(shuffle(JSON.parse(text)), null, 2);
}

/** The characters of each statement in a text that we wrote, without white space. */
const carries = (text: string | undefined, statements: readonly string[]) =>
  statements.length === 0 || text?.includes(`"Statement":[${statements.join(",")}`);

describe("grants to document and back", () => {
  test("a set comes back as it was", () => {
    fc.assert(
      fc.property(anyGrants, (grants) => {
        const text = writePolicy(undefined, grants, aws);
        expect(text === undefined).toBe(grantsOf(grants).length === 0);
        expect(readPolicy(text, aws)).toMatchObject({ grants, foreign: [], dropped: [] });
      }),
    );
  });

  test("also after AWS stored it in a form of its own", () => {
    fc.assert(
      fc.property(anyGrants, (grants) => {
        const text = writePolicy(undefined, grants, aws);
        if (text !== undefined) expect(readPolicy(asStored(text), aws).grants).toEqual(grants);
      }),
    );
  });

  test("two equal sets are the same bytes, whatever was there before", () => {
    fc.assert(
      fc.property(anyGrants, fc.array(anyGrants, { maxLength: 4 }), (grants, history) => {
        let text: string | undefined;
        for (const before of history) {
          text = writePolicy(text, before, aws);
          if (text !== undefined) text = asStored(text);
        }
        expect(writePolicy(text, grants, aws)).toBe(writePolicy(undefined, grants, aws));
      }),
    );
  });
});

describe("what others wrote", () => {
  test("stays, character by character and in its order, before ours", () => {
    fc.assert(
      fc.property(foreignPolicy, anyGrants, ({ text, statements }, grants) => {
        const written = writePolicy(text, grants, aws);
        expect(carries(written, statements)).toBe(true);
        const { grants: read, foreign } = readPolicy(written, aws);
        expect(read).toEqual(grants);
        expect(foreign).toEqual(readPolicy(text, aws).foreign);
        const { Statement: _theirs, ...envelope } = JSON.parse(text);
        expect(JSON.parse(written ?? "")).toMatchObject(envelope);
      }),
    );
  });

  test("stays through any number of edits, and the bytes depend on the last set only", () => {
    fc.assert(
      fc.property(foreignPolicy, fc.array(anyGrants, { minLength: 1, maxLength: 4 }), ({ text }, history) => {
        const last = history.at(-1);
        if (last === undefined) return;
        const edited = history.reduce<string | undefined>((held, grants) => writePolicy(held, grants, aws), text);
        expect(edited).toBe(writePolicy(text, last, aws));
        expect(writePolicy(edited, last, aws)).toBe(edited);
      }),
    );
  });

  test("never shares a Sid with ours", () => {
    fc.assert(
      fc.property(foreignPolicy, anyGrants, ({ text }, grants) => {
        const document: { Statement: { Sid?: string }[] } = JSON.parse(writePolicy(text, grants, aws) ?? "");
        const sids = document.Statement.flatMap(({ Sid }) => (Sid ? [Sid.toLowerCase()] : []));
        expect(new Set(sids).size).toBe(sids.length);
      }),
    );
  });

  test("grants nothing of ours", () => {
    fc.assert(
      fc.property(foreignPolicy, ({ text, statements }) => {
        const { grants, foreign } = readPolicy(text, aws);
        expect(grantsOf(grants)).toEqual([]);
        expect(foreign.length).toBe(statements.length);
      }),
    );
  });
});
