import { beforeAll, describe, expect, test } from "vitest";
import type { Unmanaged } from "../../../core/schemas.ts";
import { A, B, lambdaPulls, makeConsumers, roleOf, whoMay } from "./support/consumers.ts";
import { useRegistry } from "./support/registry.ts";

const home = "us-east-1";
const registry = useRegistry();
beforeAll(() => makeConsumers(registry().emulator));

const pull = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];
const root = (account: string) => `arn:aws:iam::${account}:root`;

/** Statements of others, as ECR gives them back. */
const foreign = {
  people: { Sid: "Auditors of B", Effect: "Allow", Principal: { AWS: root(B) }, Action: "ecr:DescribeImages" },
  deny: {
    Sid: "NoTagsFromOutside",
    Effect: "Deny",
    Principal: { AWS: root(B) },
    Action: ["ecr:PutImage", "ecr:BatchDeleteImage"],
    Condition: { StringNotEquals: { "aws:PrincipalOrgID": ["o-ours"] } },
  },
  // What the Lambda service itself adds when a function of the own account is made from an image.
  lambda: {
    Sid: "LambdaECRImageRetrievalPolicy",
    Effect: "Allow",
    Principal: { Service: "lambda.amazonaws.com" },
    Action: ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:SetRepositoryPolicy"],
    Condition: { StringLike: { "aws:sourceArn": "arn:aws:lambda:us-east-1:111122223333:function:*" } },
  },
  // Our Sid, but edited by somebody: no longer what we write.
  edited: { Sid: "ArtifactRegistryAccounts", Effect: "Allow", Principal: { AWS: root(B) }, Action: "ecr:ListImages" },
};

const grantsOf = async (repoId: string) => {
  const answer = await registry().suite.ok("getCrossAccountAccess", { registry: "images", repoId });
  return answer as unknown as { grants: object[]; unmanaged?: Unmanaged[] };
};

describe("statements that others wrote", () => {
  test("survive every edit, unchanged and in their order, and those that let somebody pull are listed", async () => {
    const name = await registry().repository();
    const theirs = [foreign.people, foreign.deny, foreign.lambda, foreign.edited];
    await registry().setPolicy(name, theirs);
    const arranged = await registry().statements(name);
    await registry().add(name, { accountIds: [A], regions: [home], allowedServiceTypes: ["worker"] });
    expect((await registry().statements(name))?.slice(0, 4)).toEqual(arranged);
    expect(await whoMay(registry(), name)).toEqual(["A/app", "A/ci", `A@${home}`]);
    await registry().add(name, { roleArns: [roleOf(registry().emulator, B, "ci")] });
    await registry().remove(name, { accountIds: [A] });
    expect((await registry().statements(name))?.slice(0, 4)).toEqual(arranged);
    expect(await whoMay(registry(), name)).toEqual(["B/ci"]);
    const ofLambda = { principals: ["lambda.amazonaws.com"], actions: foreign.lambda.Action, conditional: true };
    expect((await grantsOf(name)).unmanaged).toEqual([{ statement: foreign.lambda.Sid, ...ofLambda }]);
    await registry().remove(name, { roleArns: [roleOf(registry().emulator, B, "ci")] });
    expect(await registry().statements(name)).toEqual(arranged);
  });

  test("one that Lambda adds between two edits survives the second", async () => {
    const name = await registry().repository();
    await registry().add(name, { accountIds: [A] });
    const before = await registry().statements(name);
    await registry().setPolicy(name, [...(before ?? []), foreign.lambda]);
    const written = (await registry().statements(name))?.at(-1);
    await registry().add(name, { accountIds: [B] });
    const after = await registry().statements(name);
    expect(after).toContainEqual(written);
    expect(await whoMay(registry(), name)).toEqual(["A/app", "A/ci", "B/app", "B/ci"]);
    expect(await lambdaPulls(registry(), "111122223333", home, name)).toBe(true);
  });

  test("access that a foreign statement gives stays whatever is revoked, and `get` says that there is one", async () => {
    const name = await registry().repository();
    const theirs = { Sid: "ByHand", Effect: "Allow", Principal: { AWS: root(A) }, Action: ["ecr:*"] };
    await registry().setPolicy(name, [theirs]);
    const listed = { statement: "ByHand", principals: [root(A)], actions: ["ecr:*"], conditional: false };
    expect(await registry().remove(name, { accountIds: [A] })).toEqual({ unmanaged: [listed] });
    expect(await whoMay(registry(), name)).toEqual(["A/app", "A/ci"]);
    expect(await grantsOf(name)).toMatchObject({ grants: [], unmanaged: [listed] });
  });

  test("one without a Sid is listed by its place, and a revocation tells only whom it concerns", async () => {
    const name = await registry().repository();
    const nameless = { Effect: "Allow", Principal: { AWS: root(B) }, Action: ["ecr:BatchGetImage"] };
    await registry().setPolicy(name, [foreign.people, nameless]);
    await registry().add(name, { accountIds: [A, B] });
    const listed = { principals: [root(B)], actions: ["ecr:BatchGetImage"], conditional: false };
    expect(await registry().remove(name, { accountIds: [A] })).toEqual({});
    const unmanaged = [{ statement: "statement 2", ...listed }];
    for (let turn = 1; turn <= 2; turn++) {
      expect(await registry().remove(name, { accountIds: [B] })).toEqual({ unmanaged });
    }
    const role = roleOf(registry().emulator, B, "ci");
    expect(await registry().remove(name, { roleArns: [role] })).toEqual({ unmanaged });
    expect(await grantsOf(name)).toMatchObject({ grants: [], unmanaged });
  });
});

describe("statements of earlier tools", () => {
  const earlier = [
    {
      Sid: "CrossAccountRolePermission",
      Effect: "Allow",
      Principal: { AWS: [root(A)] },
      Action: [...pull, "ecr:BatchCheckLayerAvailability", "ecr:SetRepositoryPolicy", "ecr:GetRepositoryPolicy"],
    },
    {
      Sid: "LambdaECRImageCrossAccountRetrievalPolicy",
      Effect: "Allow",
      Principal: { Service: "lambda.amazonaws.com" },
      Action: [...pull, "ecr:SetRepositoryPolicy", "ecr:GetRepositoryPolicy"],
      Condition: { StringLike: { "aws:sourceArn": `arn:aws:lambda:${home}:${A}:function:*` } },
    },
  ];

  test("are read as grants, and the next edit writes them in our form, without the right to rewrite the policy", async () => {
    const name = await registry().repository();
    await registry().setPolicy(name, earlier);
    expect((await grantsOf(name)).grants).toEqual([
      { type: "aws", accountIds: [A], regions: [home], roleArns: [], allowedServiceTypes: ["worker"] },
    ]);
    await registry().add(name, { accountIds: [B] });
    const statements = await registry().statements(name);
    expect(statements?.map(({ Sid }) => Sid)).toEqual(["ArtifactRegistryAccounts", "ArtifactRegistryWorkers"]);
    expect(JSON.stringify(statements)).not.toContain("RepositoryPolicy");
    expect(await whoMay(registry(), name)).toEqual(["A/app", "A/ci", `A@${home}`, "B/app", "B/ci"]);
  });

  test("are revoked as any other, also after edits of ours", async () => {
    const name = await registry().repository();
    await registry().add(name, { accountIds: [B] });
    await registry().setPolicy(name, [...((await registry().statements(name)) ?? []), ...earlier]);
    await registry().remove(name, { accountIds: [A] });
    expect(await whoMay(registry(), name)).toEqual(["B/app", "B/ci"]);
    expect((await registry().statements(name))?.map(({ Sid }) => Sid)).toEqual(["ArtifactRegistryAccounts"]);
  });
});

describe("roles that are gone", () => {
  const deleteRole = (account: string, name: string) =>
    registry().emulator.world.directory.account(account).roles.delete(name);

  test("are dropped with a statement that they leave empty, and what others have stays", async () => {
    const name = await registry().repository();
    const gone = registry().emulator.role(A, "short-lived");
    const stays = roleOf(registry().emulator, B, "ci");
    const theirs = { Sid: "Theirs", Effect: "Allow", Principal: { AWS: gone }, Action: "ecr:DescribeImages" };
    await registry().setPolicy(name, [theirs, foreign.people]);
    await registry().add(name, { roleArns: [gone, stays] });
    deleteRole(A, "short-lived");
    expect(JSON.stringify(await registry().statements(name))).toContain("AROA");
    await registry().add(name, { accountIds: [B] });
    const statements = await registry().statements(name);
    expect(JSON.stringify(statements)).not.toMatch(/AROA|short-lived/);
    expect(statements?.map(({ Sid }) => Sid)).toEqual([
      foreign.people.Sid,
      "ArtifactRegistryAccounts",
      "ArtifactRegistryRoles",
    ]);
    await registry().remove(name, { accountIds: [B] });
    expect(await whoMay(registry(), name)).toEqual(["B/ci"]);
  });

  test("under NotPrincipal they are an error that names the Sid, and nothing is written", async () => {
    const name = await registry().repository();
    const gone = registry().emulator.role(A, "excepted");
    const NotPrincipal = { AWS: [gone, "arn:aws:iam::111122223333:root"] };
    await registry().setPolicy(name, [{ Sid: "AllBut", Effect: "Deny", NotPrincipal, Action: "ecr:PutImage" }]);
    deleteRole(A, "excepted");
    const before = await registry().statements(name);
    const refused = await registry().suite.refused("addCrossAccountAccess", {
      registry: "images",
      repoId: name,
      access: { type: "aws", accountIds: [A], regions: [], roleArns: [], allowedServiceTypes: [] },
    });
    expect(refused.body).toMatchObject({ code: "RESOURCE_CONFLICT", retryable: false });
    expect(refused.body.message).toContain('"AllBut"');
    expect(await registry().statements(name)).toEqual(before);
  });
});

describe("a policy that cannot be read", () => {
  const broken = [
    "",
    "null",
    "[]",
    '"text"',
    "{",
    '{"Version":"2012-10-17","Statement":"none"}',
    '{"Version":"2012-10-17"}',
  ];
  const operations = ["addCrossAccountAccess", "removeCrossAccountAccess", "getCrossAccountAccess"] as const;

  test.each(broken)("%j is an error, and is not overwritten", async (policyText) => {
    const { emulator, suite, stack } = registry();
    const name = await registry().repository();
    await registry().add(name, { accountIds: [A] });
    const repository = emulator.world.registry(stack.account, home).repositories.get(name);
    const before = repository?.policy;
    const healed = emulator.faults.add({
      fault: { kind: "answer", output: { registryId: stack.account, repositoryName: name, policyText } },
      action: "GetRepositoryPolicy",
      times: Number.POSITIVE_INFINITY,
    });
    for (const operation of operations) {
      const access = { type: "aws", accountIds: [B], regions: [], roleArns: [], allowedServiceTypes: [] };
      const input = { registry: "images", repoId: name, ...(operation !== "getCrossAccountAccess" && { access }) };
      const refused = await suite.refused(operation, input);
      expect([refused.body.code, refused.body.retryable]).toEqual(["UNEXPECTED_RESPONSE_FORMAT", false]);
    }
    healed();
    expect(repository?.policy).toBe(before);
  });
});
