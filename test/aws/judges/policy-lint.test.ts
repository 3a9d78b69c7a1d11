import { describe, expect, test } from "vitest";
import { plantedIn } from "./planted-faults.ts";
import { functionsWrite, moduleWrites } from "./policies.ts";
import { lintPolicy } from "./policy-lint.ts";

const written = [...moduleWrites(), ...functionsWrite()];

describe("every policy that is written here is one that AWS knows", () => {
  test.each(written)("$name", async ({ kind, texts }) => {
    expect(await lintPolicy(kind, ...texts)).toEqual([]);
  });
});

describe("the judge sees what is wrong", () => {
  // The doors have the statements of the concerns again.
  const planted = written.filter(({ texts }) => texts.length === 1).flatMap(plantedIn);
  const kinds = [...new Set(planted.map(({ fault }) => fault))];

  test("more than a thousand planted faults", () => {
    expect(kinds.length).toBeGreaterThan(15);
    expect(planted.length).toBeGreaterThan(1000);
  });

  test.each(kinds)("%s", async (fault) => {
    const missed: string[] = [];
    for (const each of planted) {
      if (each.fault === fault && (await lintPolicy(each.kind, each.text)).length === 0) missed.push(each.policy);
    }
    expect(missed).toEqual([]);
  });
});
