import {
  ECRPUBLICClient,
  GetRepositoryCatalogDataCommand,
  ListTagsForResourceCommand,
} from "@aws-sdk/client-ecr-public";
import { describe, expect, test } from "vitest";
import type { RoutableName } from "../../../core/names.ts";
import { call, openRegistry, usePublicStack } from "./registry.ts";

const stack = usePublicStack();
let count = 0;
const fresh = () => `images-${++count}` as RoutableName;
const catalogData = { description: "an app", about: "# About", architectures: ["ARM 64"], logo: "aW1hZ2U=" };
const repositoryDefaults = { tags: { team: "a" } };

/** Catalog data and tags, as AWS keeps them. */
async function stored(name: string) {
  const { emulator, account } = stack();
  const api = new ECRPUBLICClient({ endpoint: emulator.url, region: "us-east-1", credentials: emulator.admin() });
  const resourceArn = `arn:aws:ecr-public::${account}:repository/${name}`;
  const { tags } = await api.send(new ListTagsForResourceCommand({ resourceArn }));
  return { ...(await api.send(new GetRepositoryCatalogDataCommand({ repositoryName: name }))).catalogData, tags };
}

/** What is sent to AWS meanwhile: service, action and region. */
async function sent(work: () => Promise<unknown>): Promise<string[]> {
  const { calls } = stack().emulator;
  const before = calls.length;
  await work();
  return calls.slice(before).map(({ service, action, region }) => `${service} ${action} ${region}`);
}

describe("a repository", () => {
  test("is created with what the binding says of it, under the account's alias", async () => {
    const registry = await openRegistry(stack(), { catalogData, repositoryDefaults });
    const name = fresh();
    const path = `${stack().alias}/${name}`;
    expect(await registry.createRepository(name, call())).toMatchObject({ name: path, uri: `public.ecr.aws/${path}` });
    expect(await stored(name)).toMatchObject({
      description: "an app",
      aboutText: "# About",
      architectures: ["ARM 64"],
      logoUrl: expect.stringMatching(/^https:/),
      tags: [
        { Key: "alien:artifact-registry", Value: "images" },
        { Key: "team", Value: "a" },
      ],
    });
  });

  test("that exists gets the binding's catalog data, and keeps what the binding does not name, and its tags", async () => {
    const name = fresh();
    const before = await openRegistry(stack(), { catalogData: { usage: "run it", description: "old" } });
    const first = await before.createRepository(name, call());
    const registry = await openRegistry(stack(), { catalogData, repositoryDefaults });
    expect(await registry.createRepository(name, call())).toEqual(first);
    expect(await stored(name)).toMatchObject({
      description: "an app",
      aboutText: "# About",
      usageText: "run it",
      architectures: ["ARM 64"],
      logoUrl: expect.stringMatching(/^https:/),
      tags: [{ Key: "alien:artifact-registry", Value: "images" }],
    });
  });

  test("whose catalog data differs is told by describeRegistry, until createRepository sets it", async () => {
    const name = fresh();
    await (await openRegistry(stack(), { catalogData })).createRepository(name, call());
    const registry = await openRegistry(stack(), { catalogData: { description: "a new one" } });
    const told = async () => JSON.stringify(await registry.health(call()));
    expect(await told()).toContain(name);
    await registry.createRepository(name, call());
    expect(await told()).not.toContain(`${name},`);
    expect(await stored(name)).toMatchObject({ description: "a new one", aboutText: "# About" });
  });

  test("with the bare prefix is not deleted", async () => {
    const registry = await openRegistry(stack());
    const name = registry.resolveId("images");
    const asked = await sent(() =>
      expect(registry.deleteRepository(name, call())).rejects.toMatchObject({
        code: "INVALID_INPUT",
        context: { field: "repoId" },
      }),
    );
    expect(asked).toEqual([]);
  });

  test("is named in the grammar of ECR Public", async () => {
    const registry = await openRegistry(stack());
    expect(registry.routeName("plain.name_x")).toBe("images-plain.name_x");
    expect(registry.routeName("a__b")).toMatch(/^images-a-b-[a-z2-7]{20}$/);
    expect(registry.routeName("x".repeat(250))).toHaveLength(205);
    expect(() => registry.resolveId(`images-${"x".repeat(199)}`)).toThrow(/not a legal repository name/);
  });
});

describe("the account's alias", () => {
  test("stands in what clients write: endpoint, prefix and name make the URI", async () => {
    const registry = await openRegistry(stack());
    const { name, uri } = await registry.createRepository(fresh(), call());
    const [endpoint, prefix] = [await registry.registryEndpoint(call()), await registry.upstreamPath?.(call())];
    expect(`${endpoint}/${name}`).toBe(`https://${uri}`);
    expect(`${endpoint}/${prefix}-`).toBe(`${endpoint}/${name}`.replace(/\d+$/, ""));
  });

  test.each([{}, { pullRoleArn: undefined, pushRoleArn: undefined }])(
    "is read once, and then ids may have it: %j",
    async (roles) => {
      const registry = await openRegistry(stack(), roles, { ALIEN_BUILDS_BINDING: stack().binding("builds") });
      const name = fresh();
      const { alias, account } = stack();
      const forms = [
        `${alias}/${name}`,
        `public.ecr.aws/${alias}/${name}`,
        `ecr-public.aws.com/${alias}/${name}`,
        `arn:aws:ecr-public::${account}:repository/${name}`,
      ];
      const asked = await sent(async () => {
        for (const form of forms) {
          await registry.learnForms?.([form], call());
          expect(registry.resolveId(form)).toBe(name);
          expect(() => registry.routeName(form)).toThrow(expect.objectContaining({ code: "INVALID_INPUT" }));
        }
      });
      expect(asked).toEqual(["ecr-public DescribeRegistries us-east-1"]);
      const theirs = `public.ecr.aws/somebody/${name}`;
      const message = expect.stringContaining(`the alias somebody, and this registry is under ${alias}`);
      expect(() => registry.resolveId(theirs)).toThrow(expect.objectContaining({ code: "INVALID_INPUT", message }));
      for (const id of [`${alias}/builds-app`, `${alias}/${name}:1.0`, `public.ecr.aws/${alias}/builds-app`]) {
        expect(() => registry.resolveId(id)).toThrow(expect.objectContaining({ code: "INVALID_INPUT" }));
      }
    },
  );

  test("is not asked for plain names", async () => {
    const registry = await openRegistry(stack());
    expect(await sent(async () => registry.learnForms?.(["my-app", "team/my-app", fresh()], call()))).toEqual([]);
  });
});

describe("the requests", () => {
  const east = (...actions: string[]) => actions.map((action) => `ecr-public ${action} us-east-1`);

  test("of each operation are no more than needed, and go to us-east-1 from wherever the function runs", async () => {
    const registry = await openRegistry(stack(), {}, { AWS_REGION: "eu-west-1" });
    const name = fresh();
    const create = () => registry.createRepository(name, call());
    expect(await sent(create)).toEqual(east("CreateRepository"));
    expect(await sent(create)).toEqual(east("CreateRepository", "DescribeRepositories"));
    expect(await sent(() => registry.getRepository(name, call()))).toEqual(east("DescribeRepositories"));
    expect(
      await sent(() => registry.generateCredentials({ name, permissions: "pull", ttlSeconds: 900 }, call())),
    ).toEqual(["sts AssumeRole eu-west-1", ...east("GetAuthorizationToken")]);
    const list = async () => registry.listRepositories?.({ pageSize: 100 }, call());
    expect(await sent(list)).toEqual(east("DescribeRepositories", "DescribeRegistries"));
    expect(await sent(list)).toEqual(east("DescribeRepositories"));
    expect(await sent(async () => registry.listImages?.(name, { pageSize: 100 }, call()))).toEqual(
      east("DescribeImages"),
    );
    expect(await sent(async () => registry.deleteImage?.(name, { tag: "1.0" }, call()))).toEqual(
      east("BatchDeleteImage"),
    );
    expect(await sent(() => registry.health(call()))).toEqual(east("DescribeRepositories"));
    expect(await sent(() => registry.deleteRepository(name, call()))).toEqual(east("DeleteRepository"));
    expect(await sent(() => registry.registryEndpoint(call()))).toEqual([]);
  });

  test("stop when the caller has gone", async () => {
    const registry = await openRegistry(stack());
    const { emulator } = stack();
    const gone = new AbortController();
    // The answer would come only after the caller was told.
    const told = Promise.withResolvers<void>();
    const until = () => {
      gone.abort();
      return told.promise;
    };
    const takeBack = emulator.faults.add({ service: "ecr-public", fault: { kind: "slow", until } });
    await expect(registry.getRepository(fresh(), call({ signal: gone.signal }))).rejects.toMatchObject({
      code: "TIMEOUT",
    });
    told.resolve();
    takeBack();
  });
});

test("an image that an index holds is not deleted, and what AWS no longer lists begins anew", async () => {
  const registry = await openRegistry(stack());
  const name = fresh();
  await registry.createRepository(name, call());
  const { images } = stack().emulator.world.publicRegistry(stack().account).repositories.get(name) ?? {};
  const digest = `sha256:${"1".repeat(64)}`;
  const common = { mediaType: "application/vnd.oci.image.index.v1+json", artifactMediaType: undefined, size: 1 };
  for (const [own, holds] of [
    [digest, []],
    [`sha256:${"2".repeat(64)}`, [digest]],
  ] as const) {
    const more = { pushedAt: new Date(), tags: new Set<string>(), lastPulledAt: undefined, status: "ACTIVE" } as const;
    images?.set(own, { ...common, ...more, digest: own, holds });
  }
  const refused = registry.deleteImage?.(name, { digest }, call());
  await expect(refused).rejects.toMatchObject({ code: "RESOURCE_CONFLICT", retryable: false });
  expect(images?.size).toBe(2);
  const { items, next } = (await registry.listImages?.(name, { pageSize: 1 }, call())) ?? {};
  expect([items?.length, next]).toEqual([1, expect.any(String)]);
  for (const cursor of ["unknown", `${next}x`]) {
    const again = registry.listImages?.(name, { pageSize: 1, cursor }, call());
    await expect(again).rejects.toMatchObject({ code: "INVALID_INPUT", context: { field: "pageToken" } });
  }
});

describe("a binding that cannot be used", () => {
  test.each(["cn-north-1", "us-gov-west-1"])("is refused in %s, which has no ECR Public", async (AWS_REGION) => {
    await expect(openRegistry(stack(), {}, { AWS_REGION })).rejects.toMatchObject({
      code: "BINDING_CONFIG_INVALID",
      message: expect.stringContaining(AWS_REGION),
      hint: expect.stringContaining("private registry"),
    });
  });

  test.each(["pull", "push-pull"] as const)(
    "without a role mints no %s credentials, and says so",
    async (permissions) => {
      const field = permissions === "pull" ? "pullRoleArn" : "pushRoleArn";
      const registry = await openRegistry(stack(), { [field]: undefined });
      const mint = () => registry.generateCredentials({ name: fresh(), permissions }, call());
      const refusal = { code: "BINDING_CONFIG_INVALID", context: { field }, retryable: false };
      expect(await sent(() => expect(mint()).rejects.toMatchObject(refusal))).toEqual([]);
      const { status, findings } = await registry.health(call());
      expect([status, findings.length, findings[0]?.message]).toEqual(["degraded", 1, expect.stringContaining(field)]);
    },
  );

  test("has catalog data that AWS refuses: the binding is named, not the caller", async () => {
    const registry = await openRegistry(stack(), { catalogData });
    for (const code of ["InvalidParameterException", "InvalidTagParameterException", "TooManyTagsException"]) {
      stack().emulator.faults.add({ action: "CreateRepository", fault: { kind: "error", code } });
      await expect(registry.createRepository(fresh(), call())).rejects.toMatchObject({
        code: "BINDING_CONFIG_INVALID",
        retryable: false,
        hint: expect.stringContaining("catalogData"),
      });
    }
  });
});
