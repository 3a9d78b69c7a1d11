import {
  AttachRolePolicyCommand,
  CreateRoleCommand,
  type CreateRoleCommandInput,
  DeleteRoleCommand,
  DeleteRolePermissionsBoundaryCommand,
  DeleteRolePolicyCommand,
  DetachRolePolicyCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  ListAttachedRolePoliciesCommand,
  ListInstanceProfilesForRoleCommand,
  ListRolePoliciesCommand,
  ListRoleTagsCommand,
  PutRolePermissionsBoundaryCommand,
  PutRolePolicyCommand,
  TagRoleCommand,
  UntagRoleCommand,
  UpdateAssumeRolePolicyCommand,
  UpdateRoleCommand,
} from "@aws-sdk/client-iam";
import { describe, expect, test } from "vitest";
import { allow, clients, HOME, policy, refused, useEmulator } from "./support.ts";

const aws = useEmulator();
const iam = () => clients(aws()).iam;
const trust = policy({ Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" });
const create = (RoleName: string, more: Partial<CreateRoleCommandInput> = {}) =>
  iam().send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: trust, ...more }));
const get = async (RoleName: string) => (await iam().send(new GetRoleCommand({ RoleName }))).Role;

describe("roles", () => {
  test("are made with what was asked for, and read back alike", async () => {
    const PermissionsBoundary = aws().managedPolicy(HOME, "boundary", allow("ecr:*"));
    const Tags = [{ Key: "owner", Value: "suite" }];
    const { Role } = await create("full", {
      PermissionsBoundary,
      Tags,
      MaxSessionDuration: 7200,
      Description: 'a <role> & "more"',
    });
    expect(Role).toMatchObject({
      Arn: `arn:aws:iam::${HOME}:role/full`,
      RoleId: expect.stringMatching(/^AROA[A-Z2-7]{17}$/),
      CreateDate: expect.any(Date),
      MaxSessionDuration: 7200,
      Description: 'a <role> & "more"',
      PermissionsBoundary: { PermissionsBoundaryArn: PermissionsBoundary, PermissionsBoundaryType: "Policy" },
      Tags,
    });
    expect(await get("full")).toEqual(Role);
    expect(JSON.parse(decodeURIComponent(Role?.AssumeRolePolicyDocument ?? ""))).toEqual(JSON.parse(trust));
  });

  test("are there once, whatever the case, and until they are deleted", async () => {
    await create("once");
    expect(await refused(create("ONCE"))).toMatchObject({ name: "EntityAlreadyExistsException", status: 409 });
    await iam().send(new DeleteRoleCommand({ RoleName: "once" }));
    expect(await refused(get("once"))).toMatchObject({ name: "NoSuchEntityException", status: 404 });
    expect((await refused(iam().send(new DeleteRoleCommand({ RoleName: "once" })))).name).toBe("NoSuchEntityException");
  });

  test("have names of 64 characters at most", async () => {
    await create("x".repeat(64));
    for (const name of ["x".repeat(65), "a/b", "a b"])
      expect((await refused(create(name))).name).toBe("ValidationError");
  });

  test("go only after their policies", async () => {
    await create("laden");
    const RoleName = "laden";
    await iam().send(new PutRolePolicyCommand({ RoleName, PolicyName: "p", PolicyDocument: policy(allow("ecr:*")) }));
    const remove = () => iam().send(new DeleteRoleCommand({ RoleName }));
    expect(await refused(remove())).toMatchObject({ name: "DeleteConflictException", status: 409 });
    await iam().send(new DeleteRolePolicyCommand({ RoleName, PolicyName: "p" }));
    const PolicyArn = aws().managedPolicy(HOME, "attached", allow("ecr:*"));
    await iam().send(new AttachRolePolicyCommand({ RoleName, PolicyArn }));
    expect((await refused(remove())).name).toBe("DeleteConflictException");
    await iam().send(new DetachRolePolicyCommand({ RoleName, PolicyArn }));
    expect((await iam().send(new ListAttachedRolePoliciesCommand({ RoleName }))).AttachedPolicies).toEqual([]);
    expect((await iam().send(new ListInstanceProfilesForRoleCommand({ RoleName }))).InstanceProfiles).toEqual([]);
    await remove();
  });

  test("change their duration and their trust", async () => {
    await create("changed");
    await iam().send(new UpdateRoleCommand({ RoleName: "changed", MaxSessionDuration: 43_200, Description: "new" }));
    const other = policy({ Effect: "Allow", Principal: { AWS: HOME }, Action: "sts:AssumeRole" });
    await iam().send(new UpdateAssumeRolePolicyCommand({ RoleName: "changed", PolicyDocument: other }));
    const role = await get("changed");
    expect(role).toMatchObject({ MaxSessionDuration: 43_200, Description: "new" });
    expect(decodeURIComponent(role?.AssumeRolePolicyDocument ?? "")).toContain(`arn:aws:iam::${HOME}:root`);
    const bad = new UpdateRoleCommand({ RoleName: "changed", MaxSessionDuration: 3599 });
    expect((await refused(iam().send(bad))).name).toBe("ValidationError");
  });

  test.each([
    ["no JSON", "{"],
    ["a resource", policy({ ...allow("sts:AssumeRole"), Principal: "*" })],
    ["no principal", policy({ Effect: "Allow", Action: "sts:AssumeRole" })],
    ["another service's action", policy({ Effect: "Allow", Principal: "*", Action: "ecr:BatchGetImage" })],
    [
      "somebody who is not there",
      policy({ Effect: "Allow", Principal: { AWS: `arn:aws:iam::${HOME}:role/none` }, Action: "sts:AssumeRole" }),
    ],
  ])("do not take a trust policy with %s", async (_, AssumeRolePolicyDocument) => {
    const { name } = await refused(create("untrusted", { AssumeRolePolicyDocument }));
    expect(name).toBe("MalformedPolicyDocumentException");
  });
});

test("a trust policy has 2,048 characters at most, without white space", async () => {
  const trust = (length: number) => {
    const around = policy({ Sid: "", Effect: "Allow", Principal: { AWS: HOME }, Action: "sts:AssumeRole" });
    return around.replace('"Sid":""', `"Sid":"${"s".repeat(length - around.length)}"`);
  };
  await create("trusting", { AssumeRolePolicyDocument: `  ${trust(2_048)}` });
  const { name } = await refused(create("trusting-more", { AssumeRolePolicyDocument: trust(2_049) }));
  expect(name).toBe("LimitExceededException");
});

describe("inline policies", () => {
  test("are put, listed, read and deleted", async () => {
    const RoleName = "policies";
    await create(RoleName);
    const PolicyDocument = policy(allow("ecr:BatchGetImage", "arn:aws:ecr:*:*:repository/a+b"));
    for (const PolicyName of ["b", "a"])
      await iam().send(new PutRolePolicyCommand({ RoleName, PolicyName, PolicyDocument }));
    expect((await iam().send(new ListRolePoliciesCommand({ RoleName }))).PolicyNames).toEqual(["a", "b"]);
    const read = await iam().send(new GetRolePolicyCommand({ RoleName, PolicyName: "a" }));
    expect(decodeURIComponent(read.PolicyDocument ?? "")).toBe(PolicyDocument);
    await iam().send(new DeleteRolePolicyCommand({ RoleName, PolicyName: "a" }));
    for (const command of [
      new GetRolePolicyCommand({ RoleName, PolicyName: "a" }),
      new DeleteRolePolicyCommand({ RoleName, PolicyName: "a" }),
    ]) {
      expect((await refused(iam().send(command as GetRolePolicyCommand))).name).toBe("NoSuchEntityException");
    }
  });

  test("are refused when they are malformed or too long", async () => {
    await create("unsound");
    const put = (PolicyDocument: string) =>
      refused(iam().send(new PutRolePolicyCommand({ RoleName: "unsound", PolicyName: "p", PolicyDocument })));
    expect((await put("{")).name).toBe("MalformedPolicyDocumentException");
    expect((await put(policy({ Effect: "Allow", Action: "ecr:*" }))).name).toBe("MalformedPolicyDocumentException");
    expect((await put(policy(allow("ecr:*", `arn:aws:ecr:*:*:repository/${"x".repeat(10_240)}`)))).name).toBe(
      "LimitExceededException",
    );
  });
});

describe("tags and boundaries", () => {
  test("tags are set, listed and removed", async () => {
    await create("tagged");
    const Tags = ["a", "b"].map((Key) => ({ Key, Value: "1" }));
    await iam().send(new TagRoleCommand({ RoleName: "tagged", Tags }));
    await iam().send(new UntagRoleCommand({ RoleName: "tagged", TagKeys: ["a"] }));
    expect((await iam().send(new ListRoleTagsCommand({ RoleName: "tagged" }))).Tags).toEqual([
      { Key: "b", Value: "1" },
    ]);
  });

  test("a boundary is put and deleted, and must exist", async () => {
    await create("bounded");
    const put = (PermissionsBoundary: string) =>
      iam().send(new PutRolePermissionsBoundaryCommand({ RoleName: "bounded", PermissionsBoundary }));
    expect((await refused(put(`arn:aws:iam::${HOME}:policy/none`))).name).toBe("NoSuchEntityException");
    await put(aws().managedPolicy(HOME, "limit", allow("sts:*")));
    expect((await get("bounded"))?.PermissionsBoundary?.PermissionsBoundaryArn).toBe(
      `arn:aws:iam::${HOME}:policy/limit`,
    );
    await iam().send(new DeleteRolePermissionsBoundaryCommand({ RoleName: "bounded" }));
    expect((await get("bounded"))?.PermissionsBoundary).toBeUndefined();
  });
});
