import { describe, expect, test } from "vitest";
import { ownershipTagKey, regionsTagKey } from "../../../functions/aws/names.ts";
import type { PolicyDocument } from "../../emulators/aws/identity/documents.ts";
import { evaluate, type Question } from "../../emulators/aws/identity/oracle.ts";
import { type ExecutionDoor, executionPolicy } from "../../infra/support/aws-roles.ts";
import { account, boundaryName, home, keyArn, queueArn, replica, scope } from "./support/scope.ts";

const repository = (name: string, region = home, owner = account) =>
  `arn:aws:ecr:${region}:${owner}:repository/${name}`;
const role = (name: string) => `arn:aws:iam::${account}:role/${name}`;
const boundary = { "iam:PermissionsBoundary": `arn:aws:iam::${account}:policy/${boundaryName}` };
const asked = (owner: string) => ({ [`aws:RequestTag/${ownershipTagKey}`]: owner, "aws:TagKeys": [ownershipTagKey] });
const has = (owner: string) => ({ [`aws:ResourceTag/${ownershipTagKey}`]: owner });
const regionsOnly = { [`aws:RequestTag/${regionsTagKey}`]: "x", "aws:TagKeys": [regionsTagKey] };
const viaEcr = { "kms:ViaService": `ecr.${home}.amazonaws.com` };

const keyPolicy: PolicyDocument = {
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: { AWS: `arn:aws:iam::${account}:root` }, Action: "kms:*", Resource: "*" }],
};

type Row = readonly [
  action: string,
  resource: string,
  context?: Readonly<Record<string, string | string[]>>,
  why?: string,
];

async function isAllowed(door: ExecutionDoor, [action, resource, context = {}]: Row, of = scope): Promise<boolean> {
  const subject = {
    arn: `arn:aws:sts::${account}:assumed-role/function/s`,
    identityPolicies: [executionPolicy(door, of)],
  };
  // A key's own policy leaves it to the account's IAM, where nobody wrote another one.
  const resourcePolicy = action.startsWith("kms:") ? keyPolicy : undefined;
  // AWS sets it for every request; a regional resource is in the region that is asked.
  const region = resource.split(":")[3] || home;
  const question: Question = {
    action,
    resource,
    resourceAccount: account,
    context: { "aws:RequestedRegion": region, ...context },
    resourcePolicy,
  };
  return (await evaluate(subject, question)) === "Allowed";
}

const everywhereDenied: readonly Row[] = [
  ["ecr:GetAuthorizationToken", "*", {}, "the function's own identity never mints"],
  ["ecr:BatchGetImage", repository("images-app"), {}, "nor does it pull"],
  ["ecr:PutImage", repository("images-app"), {}, "nor push"],
  ["ecr:BatchDeleteImage", repository("other-app")],
  ["ecr:BatchDeleteImage", repository("images-app", "eu-north-1"), {}, "in no region of the registry"],
  ["ecr:DescribeImages", repository("other-app")],
  ["ecr:CreateRepository", repository("other-app"), asked("other"), "another prefix"],
  ["ecr:CreateRepository", repository("images2"), asked("images"), "a prefix that only begins alike"],
  ["ecr:CreateRepository", repository("images-app"), {}, "without our tag"],
  ["ecr:CreateRepository", repository("images-app"), asked("other"), "with the tag of another"],
  ["ecr:CreateRepository", repository("images-app", "sa-east-1"), asked("images"), "in no region of the registry"],
  ["ecr:TagResource", repository("images-app"), regionsOnly, "tags of one that is not ours"],
  ["ecr:UntagResource", repository("images"), has("images")],
  ["ecr:DeleteRepository", repository("other")],
  ["ecr:DeleteRepository", repository("images2-app")],
  ["ecr:DeleteRepository", repository("images-app", home, "444455556666"), {}, "another account"],
  ["ecr:SetRepositoryPolicy", repository("other-app")],
  ["ecr:SetRepositoryPolicy", repository("images2")],
  ["ecr:PutRegistryPolicy", "*"],
  ["dynamodb:UpdateItem", `arn:aws:dynamodb:${home}:${account}:table/other`, {}, "another table"],
  ["dynamodb:DeleteItem", scope.leaseTableArn],
  ["dynamodb:Scan", scope.leaseTableArn],
  ["sqs:SendMessage", `arn:aws:sqs:${home}:${account}:other`],
  ["sts:AssumeRole", role("other-pull")],
  ["sts:AssumeRole", role("images")],
  ["iam:PassRole", role("images-pull")],
  ["iam:AttachRolePolicy", role("images-pull"), { ...boundary, ...has("images") }],
  ["iam:DeleteRolePermissionsBoundary", role("images-pull"), { ...boundary, ...has("images") }],
  ["kms:Decrypt", keyArn, viaEcr],
  ["kms:CreateGrant", keyArn, {}, "not by way of ECR"],
  ["kms:CreateGrant", keyArn.replace("images", "other"), viaEcr],
];

const denied: Readonly<Record<"platform" | "events" | "provision", readonly Row[]>> = {
  platform: [
    ["ecr:DescribeImages", repository("images-app", replica), {}, "home tells"],
    ["ecr:CreateRepository", repository("images"), asked("images"), "the registry's own"],
    ["ecr:DeleteRepository", repository("images"), {}, "the registry's own"],
    ["ecr:DeleteRepository", repository("images-app", "eu-north-1"), {}, "no region of the registry"],
    ["ecr:SetRepositoryPolicy", repository("images-app", "eu-north-1")],
    ["ecr:PutReplicationConfiguration", "*"],
    ["ecr:ListTagsForResource", repository("images-app")],
    ["iam:CreateRole", role("images-pull"), { ...boundary, ...asked("images") }],
    ["iam:GetRole", role("images-pull")],
    ["sqs:SendMessage", queueArn],
  ],
  events: [
    ["sts:AssumeRole", role("images-pull"), {}, "an event never gets credentials"],
    ["sts:AssumeRole", role("images-push")],
    ["ecr:DeleteRepository", repository("images-app"), {}, "an event never deletes"],
    ["ecr:BatchDeleteImage", repository("images-app"), {}, "nor an image"],
    ["ecr:DescribeRepositories", repository("other-app"), {}, "it lists nothing"],
    ["ecr:DescribeImages", repository("images-app", replica), {}, "home tells"],
    ["ecr:PutReplicationConfiguration", "*"],
    ["iam:CreateRole", role("images-pull"), { ...boundary, ...asked("images") }],
  ],
  provision: [
    ["sts:AssumeRole", role("images-pull"), {}, "who makes the roles does not use them"],
    ["sts:AssumeRole", role("images-push")],
    ["iam:CreateRole", role("images-pull"), asked("images"), "without the boundary"],
    [
      "iam:CreateRole",
      role("images-pull"),
      { ...asked("images"), "iam:PermissionsBoundary": "arn:aws:iam::aws:policy/AdministratorAccess" },
      "with another boundary",
    ],
    ["iam:CreateRole", role("images-pull"), boundary, "without our tag"],
    ["iam:CreateRole", role("other-pull"), { ...boundary, ...asked("images") }, "of another name"],
    ["iam:CreateRole", role("images-admin"), { ...boundary, ...asked("images") }],
    ["iam:TagRole", role("images-pull"), { "aws:RequestTag/team": "x", "aws:TagKeys": ["team"] }],
    ["iam:PutRolePolicy", role("images-pull"), has("images"), "of a role without the boundary"],
    ["iam:PutRolePolicy", role("images-pull"), boundary, "of a role that is not ours"],
    ["iam:PutRolePermissionsBoundary", role("images-pull"), { ...has("images"), "iam:PermissionsBoundary": "arn:x" }],
    ["iam:UpdateAssumeRolePolicy", role("images-pull"), boundary, "of a role that is not ours"],
    ["iam:UpdateAssumeRolePolicy", role("acme-x-pull"), has("acme-x"), "of a role that it tagged, and did not make"],
    ["iam:UpdateRole", role("acme-x-pull"), has("acme-x"), "of such a role"],
    ["iam:DeleteRolePolicy", role("acme-x-push"), has("acme-x"), "of such a role"],
    ["iam:DeleteRole", role("acme-x-push"), has("acme-x"), "of such a role"],
    ["iam:DeleteRole", role("images-pull"), { ...boundary, ...has("other") }],
    ["iam:DeleteRolePolicy", role("images-push"), {}],
    ["iam:CreateServiceLinkedRole", role("aws-service-role/x/y"), { "iam:AWSServiceName": "x" }],
    ["ecr:TagResource", repository("images"), asked("other"), "of one that is not ours, as another's"],
    ["ecr:TagResource", repository("other"), has("images")],
    ["ecr:PutImageTagMutability", repository("images")],
    ["ecr:ListImages", repository("other")],
    ["ecr:BatchDeleteImage", repository("images-app")],
  ],
};

describe.each(["platform", "events", "provision"] as const)("the execution role behind the %s door may not", (door) => {
  const rows = [...everywhereDenied, ...denied[door]].map(([action, resource, context = {}, why = ""]) => ({
    row: [action, resource, context] as const,
    title: `${action} on ${resource} ${JSON.stringify(context)} ${why}`,
  }));
  test.each(rows)("$title", async ({ row }) => {
    expect(await isAllowed(door, row)).toBe(false);
  });
});

/** What shows that the rows above are denied for the reason that they give: the same with what was missing. */
const allowed: readonly (readonly [ExecutionDoor, Row])[] = [
  ["platform", ["ecr:CreateRepository", repository("images-app"), asked("images")]],
  ["platform", ["ecr:CreateRepository", repository("acme-builds-app"), asked("acme-builds")]],
  ["platform", ["ecr:DeleteRepository", repository("images-app", replica)]],
  ["platform", ["ecr:BatchDeleteImage", repository("images-app", replica)]],
  ["platform", ["ecr:DescribeImages", repository("images-app")]],
  ["platform", ["sts:AssumeRole", role("images-pull")]],
  ["platform", ["sts:AssumeRole", role("acme-builds-push")]],
  ["platform", ["kms:CreateGrant", keyArn, viaEcr]],
  ["events", ["sqs:SendMessage", queueArn]],
  ["provision", ["iam:CreateRole", role("images-pull"), { ...boundary, ...asked("images") }]],
  ["provision", ["iam:PutRolePolicy", role("images-pull"), { ...boundary, ...has("images") }]],
  ["provision", ["iam:UpdateAssumeRolePolicy", role("images-pull"), { ...boundary, ...has("images") }]],
  ["provision", ["iam:DeleteRole", role("acme-x-push"), { ...boundary, ...has("acme-x") }]],
  ["provision", ["ecr:TagResource", repository("images"), { ...has("images"), ...regionsOnly }]],
  ["provision", ["ecr:CreateRepository", repository("images", replica), asked("images")]],
  ["provision", ["ecr:CreateRepository", repository("acme-x-app", replica), asked("acme-x")]],
];

test.each(allowed)("behind the %s door, %j is allowed", async (door, row) => {
  expect(await isAllowed(door, row)).toBe(true);
});

describe("with a path of its own, the provision door", () => {
  const within = (name: string) => `arn:aws:iam::${account}:role/acme/${name}`;
  const on = { ...boundary, ...asked("acme-x"), ...has("acme-x") };
  const may = (action: string, resource: string) =>
    isAllowed("provision", [action, resource, on], { ...scope, rolePath: "/acme/" });

  test.each(["CreateRole", "TagRole", "PutRolePolicy", "UpdateAssumeRolePolicy", "DeleteRole"])("%s", async (name) => {
    expect(await may(`iam:${name}`, within("acme-x-pull"))).toBe(true);
    // Somebody's role, whatever its name and its tags are.
    expect(await may(`iam:${name}`, role("acme-x-pull"))).toBe(false);
    expect(await may(`iam:${name}`, within("acme-x-pull").replace("/acme/", "/team/"))).toBe(false);
  });

  test("reads a role that is not there yet: IAM knows no path of it", async () => {
    expect(await may("iam:GetRole", role("images-pull"))).toBe(true);
    expect(await may("iam:GetRole", within("images-pull"))).toBe(true);
  });
});

test("where registries have different regions, no function reaches a registry in another's", async () => {
  const registries = [
    { prefix: "images", replicaRegions: [replica] },
    { prefix: "builds", replicaRegions: ["us-west-2"] },
  ];
  const of = { ...scope, registries, derived: undefined };
  const actions = ["SetRepositoryPolicy", "GetRepositoryPolicy", "DeleteRepository", "PutLifecyclePolicy"];
  for (const action of actions) {
    const may = (name: string, region: string) =>
      isAllowed("platform", [`ecr:${action}`, repository(name, region)], of);
    expect(await Promise.all([may("images-app", replica), may("builds-app", "us-west-2")])).toEqual([true, true]);
    expect(await Promise.all([may("images-app", "us-west-2"), may("builds-app", replica)])).toEqual([false, false]);
  }
});

describe("a registry that nobody derives", () => {
  test("leaves no pattern for a stack in any policy", () => {
    for (const door of ["platform", "events", "provision"] as const) {
      const text = executionPolicy(door, { ...scope, derived: undefined });
      expect(text).not.toContain("acme");
      expect(text).toContain("repository/images-*");
    }
  });

  test("without keys and lifecycles has no statements about them", () => {
    const text = executionPolicy("platform", { ...scope, derived: undefined, keyArns: [], keepsLast: false });
    expect(text).not.toMatch(/kms:|Lifecycle|ListTags/);
  });
});
