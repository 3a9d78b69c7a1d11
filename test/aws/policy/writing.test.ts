import { describe, expect, test } from "vitest";
import { removeAccess } from "../../../functions/aws/grants/changes.ts";
import { meaningOf, parsePolicy } from "../../../functions/aws/policy/document.ts";
import { readPolicy as read } from "../../../functions/aws/policy/read.ts";
import { writePolicy as write } from "../../../functions/aws/policy/write.ts";
import { access, aws, granted, readPolicy, refusal, workerIn, writePolicy } from "./support/access.ts";

const gone = "AROAEXAMPLEEXAMPLE123";
const goneUser = "AIDAEXAMPLEEXAMPLE123";
const one = granted(access({ accountIds: ["111111111111"] }));
const none = granted();

type Json = Record<string, unknown>;
const policy = (...statements: Json[]): string => JSON.stringify({ Version: "2012-10-17", Statement: statements });
const statement = (rest: Json): Json => ({ Sid: "Theirs", Effect: "Allow", Action: "ecr:BatchGetImage", ...rest });
const statementsOf = (text: string | undefined): Json[] => JSON.parse(text ?? '{"Statement":[]}').Statement;

describe("principals that AWS turned into unique ids", () => {
  const alive = "arn:aws:iam::222222222222:role/alive";
  test.each<[string, Json, Json | undefined]>([
    ["one of several", { AWS: [gone, alive, goneUser] }, { AWS: [alive] }],
    ["beside a service", { AWS: gone, Service: "x.amazonaws.com" }, { Service: "x.amazonaws.com" }],
    ["the only one", { AWS: gone }, undefined],
    ["all of a list", { AWS: [gone, goneUser] }, undefined],
  ])("%s: dropped, with a statement that is left empty", (_name, before, after) => {
    const text = policy(statement({ Principal: before }), statement({ Sid: "Other", Principal: "*" }));
    const [first, ...rest] = statementsOf(writePolicy(text, one, aws));
    expect(first).toEqual(after ? statement({ Principal: after }) : statement({ Sid: "Other", Principal: "*" }));
    expect(rest.length).toBe(after ? 2 : 1);
    expect(readPolicy(text, aws).dropped).toEqual([before.AWS].flat().filter((id) => id !== alive));
  });

  test("nothing but dead principals: the policy is to be deleted", () => {
    expect(writePolicy(policy(statement({ Principal: { AWS: gone } })), none, aws)).toBeUndefined();
  });

  test("in our own statement they are no grants, and are not written back", () => {
    const set = granted(
      access({ roleArns: ["arn:aws:iam::222222222222:role/alive", "arn:aws:iam::222222222222:role/dead"] }),
    );
    const text = (writePolicy(undefined, set, aws) ?? "").replace("arn:aws:iam::222222222222:role/dead", gone);
    const { grants, dropped } = readPolicy(text, aws);
    expect([grants.roles, dropped]).toEqual([["arn:aws:iam::222222222222:role/alive"], [gone]]);
    expect(writePolicy(text, grants, aws)).not.toContain(gone);
  });

  test("under NotPrincipal: an error that names the statement; reading still works", () => {
    const deny = statement({ Sid: "AllBut", Effect: "Deny", NotPrincipal: { AWS: [gone, alive] } });
    expect(refusal(() => writePolicy(policy(deny), one, aws))).toMatchObject({
      code: "RESOURCE_CONFLICT",
      retryable: false,
      message: expect.stringContaining('"AllBut"'),
    });
    expect(readPolicy(policy(deny), aws).foreign).toEqual([deny]);
    const { Sid: _sid, ...nameless } = deny;
    expect(refusal(() => writePolicy(policy(statement({ Principal: "*" }), nameless), one, aws)).message).toContain(
      "number 2",
    );
  });

  test("what only looks like one stays", () => {
    const names = [
      "AROA",
      "arn:aws:iam::222222222222:role/AROAEXAMPLEEXAMPLE123",
      "ASIAEXAMPLEEXAMPLE123",
      "aroaexampleexample123",
    ];
    const text = policy(statement({ Principal: { AWS: names } }));
    expect(statementsOf(writePolicy(text, none, aws))).toEqual(statementsOf(text));
  });
});

describe("the document around the statements", () => {
  const foreign = statement({ Principal: "*" });
  test("Id, Version and unknown members stay while others' statements are there", () => {
    const text = JSON.stringify({ Id: "theirs", Statement: foreign, Version: "2008-10-17", More: { a: [1] } });
    expect(JSON.parse(writePolicy(text, one, aws) ?? "")).toMatchObject({
      Id: "theirs",
      Version: "2008-10-17",
      More: { a: [1] },
    });
    const bare = JSON.parse(writePolicy(JSON.stringify({ Statement: [foreign] }), one, aws) ?? "");
    expect(Object.keys(bare)).toEqual(["Statement"]);
  });
  test("an Id stays also beside our statements alone; a version of a document that is ours is ours", () => {
    const ours = statementsOf(writePolicy(undefined, one, aws));
    expect(JSON.parse(writePolicy(JSON.stringify({ Id: "x", Statement: ours }), one, aws) ?? "").Id).toBe("x");
    expect(writePolicy(JSON.stringify({ Version: "2008-10-17", Statement: ours }), one, aws)).toBe(
      writePolicy(undefined, one, aws),
    );
  });
  test("no statement left: delete the policy", () => {
    expect(writePolicy(writePolicy(undefined, one, aws), none, aws)).toBeUndefined();
    expect(writePolicy(undefined, none, aws)).toBeUndefined();
  });
  test("two edited statements under our Sids: ours takes the next free number, and keeps it", () => {
    const edited = ["ArtifactRegistryAccounts", "artifactregistryaccounts2"].map((Sid) =>
      statement({ Sid, Principal: "*" }),
    );
    const written = writePolicy(policy(...edited), one, aws);
    expect(statementsOf(written).map(({ Sid }) => Sid)).toEqual([
      ...edited.map(({ Sid }) => Sid),
      "ArtifactRegistryAccounts3",
    ]);
    expect(writePolicy(written, one, aws)).toBe(written);
  });
});

test("roles of another partition are refused before anything is written", () => {
  const set = granted(access({ roleArns: ["arn:aws-cn:iam::222222222222:role/r"] }));
  expect(refusal(() => writePolicy(undefined, set, aws)).code).toBe("INVALID_INPUT");
  expect(writePolicy(undefined, set, { partition: "aws-cn" })).toContain("arn:aws-cn:iam::222222222222:role/r");
});

describe("the meaning of a policy", () => {
  const grants = granted(workerIn(["111111111111", "222222222222"], ["us-east-1"]));
  const text = writePolicy(undefined, grants, aws) ?? "";
  const meaning = (policy: string) => meaningOf(parsePolicy(policy).envelope);
  const differs = (policy: string | undefined, set = grants) => write(read(policy, aws), set, aws).differs;
  test("is the same for the same meaning: nothing differs, and nothing has to be written", () => {
    const document = JSON.parse(text);
    const reversed = { Statement: document.Statement.toReversed(), Version: document.Version };
    for (const same of [
      text,
      JSON.stringify(reversed, null, 2),
      text.replace('"lambda.amazonaws.com"', '["lambda.amazonaws.com"]'),
    ]) {
      expect(meaning(same)).toBe(meaning(text));
      expect(differs(same)).toBe(false);
    }
    expect(differs(undefined, none)).toBe(false);
  });
  test("is another for another meaning", () => {
    const others = [
      text.replace("Allow", "Deny"),
      text.replace("111111111111", "111111111112"),
      text.replace('"ecr:BatchGetImage",', ""),
      text.replace("ArnLike", "StringLikeX"),
      text.replace("2012", "2008"),
      '{"Statement":[]}',
    ];
    expect(new Set([text, ...others].map(meaning)).size).toBe(others.length + 1);
    for (const other of [undefined, ...others]) expect(differs(other)).toBe(true);
    expect(differs('{"Statement":[]}', none)).toBe(true);
  });
  test("fails for what is not a policy", () => {
    expect(refusal(() => meaning("{}")).code).toBe("UNEXPECTED_RESPONSE_FORMAT");
  });
});

test("taking a consumer away takes away its statement, and no other byte of the others'", () => {
  const [first, second] = [workerIn(["111111111111"], ["us-east-1"]), workerIn(["222222222222"], ["us-west-2"])];
  const both = writePolicy(undefined, granted(first, second), aws);
  const left = writePolicy(both, removeAccess(readPolicy(both, aws).grants, first), aws);
  expect(left).toBe(writePolicy(undefined, granted(second), aws));
  expect(left).not.toContain("111111111111");
});
