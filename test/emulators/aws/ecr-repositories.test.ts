import {
  CreateRepositoryCommand,
  DeleteRepositoryCommand,
  DescribeRepositoriesCommand,
  ListTagsForResourceCommand,
  PutImageScanningConfigurationCommand,
  PutImageTagMutabilityCommand,
  paginateDescribeRepositories,
  TagResourceCommand,
  UntagResourceCommand,
} from "@aws-sdk/client-ecr";
import { describe, expect, test } from "vitest";
import { clients, HOME, refused, useEmulator } from "./support.ts";

const aws = useEmulator();
const ecr = (region?: string) => clients(aws(), undefined, region).ecr;
const create = (repositoryName: string) => ecr().send(new CreateRepositoryCommand({ repositoryName }));

describe("repositories", () => {
  test("are made with what was asked for, and described alike", async () => {
    const { repository } = await ecr().send(
      new CreateRepositoryCommand({
        repositoryName: "images-full",
        imageTagMutability: "IMMUTABLE",
        imageScanningConfiguration: { scanOnPush: true },
        encryptionConfiguration: { encryptionType: "KMS", kmsKey: "1234" },
        tags: [{ Key: "owner", Value: "suite" }],
      }),
    );
    expect(repository).toMatchObject({
      repositoryArn: `arn:aws:ecr:us-east-1:${HOME}:repository/images-full`,
      registryId: HOME,
      repositoryUri: `${HOME}.dkr.ecr.us-east-1.amazonaws.com/images-full`,
      createdAt: expect.any(Date),
      imageTagMutability: "IMMUTABLE",
      imageScanningConfiguration: { scanOnPush: true },
      encryptionConfiguration: { encryptionType: "KMS", kmsKey: `arn:aws:kms:us-east-1:${HOME}:key/1234` },
    });
    const described = await ecr().send(new DescribeRepositoriesCommand({ repositoryNames: ["images-full"] }));
    expect(described.repositories).toEqual([repository]);
  });

  test("are there once, and until they are deleted", async () => {
    await create("images-once");
    expect(await refused(create("images-once"))).toMatchObject({
      name: "RepositoryAlreadyExistsException",
      message: `The repository with name 'images-once' already exists in the registry with id '${HOME}'`,
    });
    await ecr().send(new DeleteRepositoryCommand({ repositoryName: "images-once" }));
    for (const command of [
      new DeleteRepositoryCommand({ repositoryName: "images-once" }),
      new DescribeRepositoriesCommand({ repositoryNames: ["images-once"] }),
    ]) {
      expect((await refused(ecr().send(command as DeleteRepositoryCommand))).name).toBe("RepositoryNotFoundException");
    }
  });

  test("that follow one another under one name differ by when they were made", async () => {
    const made = async () => (await create("images-again")).repository?.createdAt?.getTime() ?? 0;
    const times: number[] = [];
    for (let round = 0; round < 5; round++) {
      times.push(await made());
      await ecr().send(new DeleteRepositoryCommand({ repositoryName: "images-again" }));
    }
    expect(new Set(times).size).toBe(5);
    expect(times).toEqual(times.toSorted());
  });

  test("are their region's and their account's alone", async () => {
    await create("images-here");
    const elsewhere = ecr("eu-west-1").send(new DescribeRepositoriesCommand({ repositoryNames: ["images-here"] }));
    expect((await refused(elsewhere)).name).toBe("RepositoryNotFoundException");
  });

  test.each(["a", "A-b", "a_", "-a", "a..b", "a___b", "a//b", "a/", "a b", "a".repeat(257), "a._b"])(
    "cannot be called %s",
    async (name) => {
      expect((await refused(create(name))).name).toBe("InvalidParameterException");
    },
  );

  test.each(["ab", "a__b", "a--b", "a/b.c_d", "a".repeat(256)])("can be called %s", async (name) => {
    expect((await create(name)).repository?.repositoryName).toBe(name);
  });

  test("are listed in pages", async () => {
    for (const name of ["page-1", "page-2", "page-3"]) await create(name);
    const pages = paginateDescribeRepositories({ client: ecr(), pageSize: 2 }, {});
    const names: (string | undefined)[] = [];
    for await (const { repositories = [] } of pages) {
      expect(repositories.length).toBeLessThanOrEqual(2);
      names.push(...repositories.map(({ repositoryName }) => repositoryName));
    }
    expect(names).toEqual(expect.arrayContaining(["page-1", "page-2", "page-3"]));
    expect(new Set(names).size).toBe(names.length);
  });

  test("change their mutability and their scanning", async () => {
    await create("images-changed");
    const repositoryName = "images-changed";
    await ecr().send(new PutImageTagMutabilityCommand({ repositoryName, imageTagMutability: "IMMUTABLE" }));
    await ecr().send(
      new PutImageScanningConfigurationCommand({ repositoryName, imageScanningConfiguration: { scanOnPush: true } }),
    );
    const { repositories } = await ecr().send(new DescribeRepositoriesCommand({ repositoryNames: [repositoryName] }));
    expect(repositories?.[0]).toMatchObject({
      imageTagMutability: "IMMUTABLE",
      imageScanningConfiguration: { scanOnPush: true },
    });
  });
});

describe("tags", () => {
  test("are set, read and removed", async () => {
    const resourceArn = (await create("images-tagged")).repository?.repositoryArn ?? "";
    const tags = [
      { Key: "a", Value: "1" },
      { Key: "b", Value: "2" },
    ];
    await ecr().send(new TagResourceCommand({ resourceArn, tags }));
    await ecr().send(new UntagResourceCommand({ resourceArn, tagKeys: ["a"] }));
    expect((await ecr().send(new ListTagsForResourceCommand({ resourceArn }))).tags).toEqual([
      { Key: "b", Value: "2" },
    ]);
  });

  test("of AWS's own kind, too long ones, and too many of them, are refused", async () => {
    const resourceArn = (await create("images-tags")).repository?.repositoryArn ?? "";
    const tag = (tags: { Key: string; Value: string }[]) => ecr().send(new TagResourceCommand({ resourceArn, tags }));
    expect((await refused(tag([{ Key: "aws:own", Value: "x" }]))).name).toBe("InvalidTagParameterException");
    await tag([{ Key: "k".repeat(128), Value: "v".repeat(256) }]);
    expect((await refused(tag([{ Key: "k", Value: "v".repeat(257) }]))).name).toBe("InvalidTagParameterException");
    expect((await refused(tag([{ Key: "k".repeat(129), Value: "v" }]))).name).toBe("InvalidTagParameterException");
    await ecr().send(new UntagResourceCommand({ resourceArn, tagKeys: ["k".repeat(128)] }));
    const many = Array.from({ length: 51 }, (_, i) => ({ Key: `k${i}`, Value: "" }));
    expect((await refused(tag(many))).name).toBe("TooManyTagsException");
  });
});
