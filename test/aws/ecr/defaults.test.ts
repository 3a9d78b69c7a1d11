import {
  DescribeRepositoriesCommand,
  GetLifecyclePolicyCommand,
  ListTagsForResourceCommand,
  PutLifecyclePolicyCommand,
} from "@aws-sdk/client-ecr";
import { afterEach, describe, expect, test } from "vitest";
import { ownershipTagKey } from "../../../functions/aws/names.ts";
import { openApplication } from "./support/application.ts";
import { useRegistry } from "./support/registry.ts";

const registry = useRegistry({
  functionPolicies: [{ Effect: "Allow", Action: ["ecr:*", "sts:*", "dynamodb:*", "kms:*"], Resource: "*" }],
});
afterEach(() => registry().emulator.faults.clear());

const kmsKey = "arn:aws:kms:us-east-1:111122223333:key/11111111-2222-3333-4444-555555555555";
const repositoryDefaults = {
  imageTagMutability: "IMMUTABLE",
  scanOnPush: true,
  kmsKey,
  keepLast: 25,
  tags: { team: "platform", "cost center": "a/b=c" },
};
const keep25 = {
  rules: [
    {
      rulePriority: 1,
      description: "keep the last 25 images",
      selection: { tagStatus: "any", countType: "imageCountMoreThan", countNumber: 25 },
      action: { type: "expire" },
    },
  ],
};

const create = (name: string, binding: object = { repositoryDefaults }) =>
  openApplication(registry().stack, { binding }).ask("createRepository", { name });
const lifecycle = async (repositoryName: string) => {
  try {
    const { lifecyclePolicyText = "" } = await registry().ecr().send(new GetLifecyclePolicyCommand({ repositoryName }));
    return JSON.parse(lifecyclePolicyText);
  } catch (error) {
    if (error instanceof Error && error.name === "LifecyclePolicyNotFoundException") return undefined;
    throw error;
  }
};
const described = async (repositoryName: string) => {
  const ecr = registry().ecr();
  const { repositories } = await ecr.send(new DescribeRepositoriesCommand({ repositoryNames: [repositoryName] }));
  const repository = repositories?.[0];
  const { tags = [] } = await ecr.send(new ListTagsForResourceCommand({ resourceArn: repository?.repositoryArn }));
  return { repository, tags: Object.fromEntries(tags.map(({ Key, Value }) => [Key, Value])) };
};

describe("what a new repository gets", () => {
  test("everything that the binding says, and our tag", async () => {
    const { status, body } = await create("all-defaults");
    expect([status, body.name]).toEqual([200, "images-all-defaults"]);
    const { repository, tags } = await described("images-all-defaults");
    expect(repository).toMatchObject({
      imageTagMutability: "IMMUTABLE",
      imageScanningConfiguration: { scanOnPush: true },
      encryptionConfiguration: { encryptionType: "KMS", kmsKey },
    });
    expect(tags).toEqual({ [ownershipTagKey]: "images", team: "platform", "cost center": "a/b=c" });
    expect(await lifecycle("images-all-defaults")).toEqual(keep25);
  });

  test("without defaults, our tag alone", async () => {
    await create("plain", {});
    const { repository, tags } = await described("images-plain");
    expect(repository).toMatchObject({
      imageTagMutability: "MUTABLE",
      imageScanningConfiguration: { scanOnPush: false },
      encryptionConfiguration: { encryptionType: "AES256" },
    });
    expect(tags).toEqual({ [ownershipTagKey]: "images" });
    expect(await lifecycle("images-plain")).toBeUndefined();
  });
});

describe("tags", () => {
  const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`key-${n}`, "value"]));
  const largest = { ...many(43), ["k".repeat(128)]: "v".repeat(256), "größe / 尺寸": "" };

  test("as many and as long as AWS takes beside ours are set", async () => {
    await create("large-tags", { repositoryDefaults: { tags: largest } });
    const { tags } = await described("images-large-tags");
    expect(tags).toEqual({ ...largest, [ownershipTagKey]: "images" });
  });

  test.each<[string, Record<string, string>]>([
    ["46", many(46)],
    ["a value of 257 characters", { key: "v".repeat(257) }],
    ["a key of 129 characters", { ["k".repeat(129)]: "v" }],
    ["a character that AWS does not take", { key: "a,b" }],
    ["one of AWS's own", { "aws:key": "v" }],
    ["the one that says whose it is", { [ownershipTagKey]: "other" }],
  ])("%s: the binding is refused at start", (_, tags) => {
    expect(() => openApplication(registry().stack, { binding: { repositoryDefaults: { tags } } })).toThrow(
      expect.objectContaining({ code: "BINDING_CONFIG_INVALID", message: expect.stringContaining("tags") }),
    );
  });
});

describe("one that exists", () => {
  test("keeps its settings, its tags and its own lifecycle policy", async () => {
    const repositoryName = "images-before";
    await create("before", {});
    const theirs = {
      rules: [
        {
          rulePriority: 7,
          selection: { tagStatus: "untagged", countType: "imageCountMoreThan", countNumber: 3 },
          action: { type: "expire" },
        },
      ],
    };
    const lifecyclePolicyText = JSON.stringify(theirs);
    await registry().ecr().send(new PutLifecyclePolicyCommand({ repositoryName, lifecyclePolicyText }));
    const before = await described(repositoryName);
    expect((await create("before")).status).toBe(200);
    expect(await described(repositoryName)).toEqual(before);
    expect(await lifecycle(repositoryName)).toEqual(theirs);
  });

  test.each([
    ["lost the answer of its creation", "CreateRepository", "lost", 1, 200],
    ["broke off before its lifecycle policy", "PutLifecyclePolicy", "reset", Number.POSITIVE_INFINITY, 503],
  ] as const)("gets the lifecycle policy where an earlier try %s", async (title, action, kind, times, first) => {
    const name = title.replaceAll(" ", "-").slice(0, 20).replace(/-$/, "");
    registry().emulator.faults.add({ fault: { kind }, action, times });
    const answer = await create(name);
    expect(answer.status).toBe(first);
    registry().emulator.faults.clear();
    const again = await create(name);
    expect([again.status, await lifecycle(String(again.body.name))]).toEqual([200, keep25]);
    expect((await described(String(again.body.name))).repository?.createdAt?.toISOString()).toBe(again.body.createdAt);
  });
});

test.each([
  ["LimitExceededException", "QUOTA_EXCEEDED", "ask AWS for more"],
  ["AccessDeniedException", "ACCESS_DENIED", "kms:CreateGrant"],
  ["KmsException", "CLOUD_PLATFORM_ERROR", undefined],
])("%s is told as %s, and nobody tries again", async (code, ours, hint) => {
  registry().emulator.faults.add({ fault: { kind: "error", code, message: "canary" }, action: "CreateRepository" });
  const { body } = await create(`refused-${code.toLowerCase()}`);
  expect(body).toMatchObject({ code: ours, retryable: false });
  if (hint !== undefined) expect(body.hint).toContain(hint);
  expect(JSON.stringify(body)).not.toContain("canary");
});
