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

test("an action that is newer than AWS's reference is judged as one on the registry", async () => {
  const lint = (Action: string, Resource: string) =>
    lintPolicy("inline", JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action, Resource }] }));
  const [newer, repository] = ["ecr:StartReplicationBackfill", "arn:aws:ecr:us-east-1:111122223333:repository/images"];
  expect(await lint(newer, "*")).toEqual([]);
  expect(await lint(newer, repository)).not.toEqual([]);
  // The exception is for that name alone.
  expect(await lint(`${newer}s`, "*")).not.toEqual([]);
});
