import { describe, expect, test } from "vitest";
import { access, aws, granted, readPolicy, refusal, workerIn, writePolicy } from "./support/access.ts";
import { edited } from "./support/edited.ts";
import { modelOf } from "./support/model.ts";
import { type Json, ourAccounts, ourWorkers, policy, pull, root } from "./support/statements.ts";

describe("our statements", () => {
  test("are read in every form that means the same", () => {
    const forms: Json[] = [
      ourAccounts,
      { ...ourAccounts, Principal: { AWS: "111111111111" } },
      { ...ourAccounts, Principal: { AWS: [root, "AROAEXAMPLEEXAMPLE123"] } },
      { ...ourAccounts, Sid: "ArtifactRegistryAccounts7", Action: pull.map((name) => name.toUpperCase()).reverse() },
    ];
    for (const form of forms) {
      const { grants, foreign } = readPolicy(policy(form), aws);
      expect([...modelOf(grants)]).toEqual(["account 111111111111"]);
      expect(foreign).toEqual([]);
    }
    const condition = {
      stringlike: { "AWS:SOURCEARN": "arn:aws:lambda:us-east-1:*" },
      arnLike: { "aws:sourcearn": "arn:aws:lambda:*:111111111111:function:*" },
    };
    for (const form of [ourWorkers, { ...ourWorkers, Condition: condition }]) {
      expect([...modelOf(readPolicy(policy(form), aws).grants)]).toEqual(["worker 111111111111 us-east-1"]);
    }
    // One statement needs no list around it.
    const single = JSON.stringify({ Version: "2008-10-17", Statement: ourAccounts });
    expect([...modelOf(readPolicy(single, aws).grants)]).toEqual(["account 111111111111"]);
  });

  test.each(edited)("%s: no longer ours; kept, named, and ours gets another Sid", (_name, statement) => {
    const text = policy(statement);
    const { grants, foreign, unmanaged } = readPolicy(text, aws);
    expect(modelOf(grants).size).toBe(0);
    expect(foreign).toEqual([JSON.parse(JSON.stringify(statement))]);
    // A denial lets nobody in.
    expect(unmanaged).toEqual(statement.Effect === "Deny" ? [] : [statement.Sid]);

    const set = granted(workerIn(["333333333333"], ["us-west-2"]));
    const written = JSON.parse(writePolicy(text, set, aws) ?? "");
    expect(written.Statement[0]).toEqual(foreign[0]);
    expect(new Set(written.Statement.map(({ Sid }: Json) => Sid)).size).toBe(3);
    expect(readPolicy(JSON.stringify(written), aws).grants).toEqual(set);
  });
});

describe("what is not a policy", () => {
  test.each([
    "",
    " ",
    "null",
    "[]",
    '"text"',
    "{}",
    '{"Version":"2012-10-17"}',
    '{"Statement":null}',
    '{"Statement":"x"}',
    '{"Statement":[null]}',
    '{"Statement":[[]]}',
    '{"Statement":12345678901234567890}',
    '{"Statement":[{"Sid":"a"}',
    "12345678901234567890",
    "<html>",
  ])("%j is an error, never empty", (text) => {
    for (const run of [() => readPolicy(text, aws), () => writePolicy(text, granted(access()), aws)]) {
      const error = refusal(run);
      expect(error).toMatchObject({ code: "UNEXPECTED_RESPONSE_FORMAT", retryable: false });
      expect(JSON.stringify(error.toWire("r"))).not.toContain("html");
    }
  });

  test("no policy, and one without statements, hold no grants", () => {
    for (const text of [undefined, '{"Version":"2012-10-17","Statement":[]}']) {
      expect(modelOf(readPolicy(text, aws).grants).size).toBe(0);
      expect(writePolicy(text, granted(), aws)).toBeUndefined();
    }
  });
});
