import {
  BatchDeleteImageCommand,
  CreateRepositoryCommand,
  DeleteRepositoryCommand,
  DescribeImagesCommand,
  DescribeRegistriesCommand,
  DescribeRepositoriesCommand,
  GetAuthorizationTokenCommand,
  GetRepositoryCatalogDataCommand,
  ListTagsForResourceCommand,
  PutRepositoryCatalogDataCommand,
  TagResourceCommand,
} from "@aws-sdk/client-ecr-public";
import { describe, expect, test } from "vitest";
import { createClient, pullImage, pushImage } from "../../../oci/client/index.ts";
import { buildImage } from "../../oci/client/images.ts";
import { allow, clients, decode, HOME, refused, registryRefusal, useEmulator } from "./support.ts";

const aws = useEmulator();
const api = (region = "us-east-1") => clients(aws(), aws().admin(), region).ecrPublic;
const as = (...policies: ReturnType<typeof allow>[]) =>
  clients(aws(), aws().credentialsFor(aws().role(HOME, "publisher", { policies }))).ecrPublic;
const create = (repositoryName: string, more: object = {}) =>
  api().send(new CreateRepositoryCommand({ repositoryName, ...more }));
const BEARER = allow(["ecr-public:GetAuthorizationToken", "sts:GetServiceBearerToken"]);

describe("repositories", () => {
  test("are made with tags and catalog data, and found under the account's alias", async () => {
    const catalogData = {
      description: "an app",
      architectures: ["x86-64"],
      operatingSystems: ["Linux"],
      aboutText: "# about",
      usageText: "run it",
    };
    const { repository } = await create("app-full", { catalogData, tags: [{ Key: "owner", Value: "suite" }] });
    const { registries } = await api().send(new DescribeRegistriesCommand({}));
    const alias = registries?.[0]?.aliases?.[0]?.name;
    expect(repository).toMatchObject({
      repositoryArn: `arn:aws:ecr-public::${HOME}:repository/app-full`,
      repositoryUri: `public.ecr.aws/${alias}/app-full`,
      createdAt: expect.any(Date),
    });
    const repositoryName = "app-full";
    const read = async () => (await api().send(new GetRepositoryCatalogDataCommand({ repositoryName }))).catalogData;
    expect(await read()).toMatchObject(catalogData);
    await api().send(
      new PutRepositoryCatalogDataCommand({
        repositoryName,
        catalogData: { description: "new", logoImageBlob: Buffer.from("png") },
      }),
    );
    expect(await read()).toMatchObject({ description: "new", logoUrl: expect.stringMatching(/^https:/) });
    const resourceArn = repository?.repositoryArn ?? "";
    await api().send(new TagResourceCommand({ resourceArn, tags: [{ Key: "more", Value: "" }] }));
    const { tags } = await api().send(new ListTagsForResourceCommand({ resourceArn }));
    expect(tags).toEqual([
      { Key: "owner", Value: "suite" },
      { Key: "more", Value: "" },
    ]);
  });

  test("are there once, and until they are deleted", async () => {
    const repositoryName = "app-once";
    await create(repositoryName);
    expect((await refused(create(repositoryName))).name).toBe("RepositoryAlreadyExistsException");
    const remove = () => api().send(new DeleteRepositoryCommand({ repositoryName }));
    await remove();
    expect((await refused(remove())).name).toBe("RepositoryNotFoundException");
    const find = api().send(new DescribeRepositoriesCommand({ repositoryNames: [repositoryName] }));
    expect((await refused(find)).name).toBe("RepositoryNotFoundException");
  });

  test.each(["a", "a__b", "a--b", "A", "a_", "x".repeat(206)])("cannot be called %s", async (name) => {
    expect((await refused(create(name))).name).toBe("InvalidParameterException");
  });

  test("a description has 1,024 characters at most", async () => {
    const long = create("app-long", { catalogData: { description: "x".repeat(1025) } });
    expect((await refused(long)).name).toBe("InvalidParameterException");
  });

  test("live in us-east-1 only", async () => {
    const token = api("eu-west-1").send(new GetAuthorizationTokenCommand({}));
    expect((await refused(token)).name).toBe("UnsupportedCommandException");
  });
});

describe("authorisation", () => {
  test("a token needs a bearer token's right too", async () => {
    const half = as(allow("ecr-public:GetAuthorizationToken")).send(new GetAuthorizationTokenCommand({}));
    expect((await refused(half)).message).toContain("sts:GetServiceBearerToken");
    const { authorizationData } = await as(BEARER).send(new GetAuthorizationTokenCommand({}));
    expect(Object.keys(authorizationData ?? {}).sort()).toEqual(["authorizationToken", "expiresAt"]);
  });

  test("anybody pulls; who pushes must be allowed, here and not elsewhere", async () => {
    const image = buildImage({ seed: "public" });
    const { repository } = await create("app-pushed");
    await create("app-other");
    const path = repository?.repositoryUri?.replace("public.ecr.aws/", "") ?? "";
    const write = ["InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload", "PutImage"].map(
      (a) => `ecr-public:${a}`,
    );
    const publisher = as(BEARER, allow(write, repository?.repositoryArn ?? ""));
    const { authorizationData } = await publisher.send(new GetAuthorizationTokenCommand({}));
    const url = aws().publicRegistryUrl;
    const client = createClient({ url, credentials: decode(authorizationData?.authorizationToken) });
    await pushImage(client, path, "v1", image);
    await pushImage(client, path, "v2", image);
    const repositoryName = "app-pushed";
    const tags = async () =>
      (await api().send(new DescribeImagesCommand({ repositoryName }))).imageDetails?.flatMap((each) => each.imageTags);
    expect(await tags()).toEqual(["v1", "v2"]);
    await api().send(new BatchDeleteImageCommand({ repositoryName, imageIds: [{ imageTag: "v2" }] }));
    expect(await tags()).toEqual(["v1"]);
    const anybody = createClient({ url });
    expect(await pullImage(anybody, path, "v1")).toEqual(image);
    expect((await registryRefusal(pushImage(anybody, path, "v2", buildImage({ seed: "no" })))).status).toBe(403);
    const other = path.replace("app-pushed", "app-other");
    expect((await registryRefusal(pushImage(client, other, "v1", image))).status).toBe(403);
    expect((await registryRefusal(anybody.pullManifest(path.replace("app-pushed", "none"), "v1"))).status).toBe(404);
    const { password } = decode(authorizationData?.authorizationToken);
    for (const credentials of [
      { username: "AWS", password: "guessed" },
      { username: "token", password },
    ]) {
      const guessed = createClient({ url, credentials });
      expect((await registryRefusal(guessed.pullManifest(path, "v1"))).status).toBe(401);
    }
    const remove = (force: boolean) => api().send(new DeleteRepositoryCommand({ repositoryName: "app-pushed", force }));
    expect((await refused(remove(false))).name).toBe("RepositoryNotEmptyException");
    await remove(true);
    expect((await registryRefusal(anybody.pullManifest(path, "v1"))).status).toBe(404);
  });
});
