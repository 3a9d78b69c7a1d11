import {
  BatchDeleteImageCommand,
  CreateRepositoryCommand,
  DeleteRepositoryCommand,
  DescribeImagesCommand,
  ListImagesCommand,
} from "@aws-sdk/client-ecr";
import { describe, expect, test } from "vitest";
import { pullImage, pushImage } from "../../../oci/client/index.ts";
import { buildImage, buildIndex } from "../../oci/client/images.ts";
import { clients, refused, registryClient, registryRefusal, useEmulator } from "./support.ts";

const aws = useEmulator();
const ecr = () => clients(aws()).ecr;
const image = buildImage({ seed: "images" });
const repositoryName = "images-app";

describe("images", () => {
  test("are listed, deleted by tag and by digest, and gone with their repository", async () => {
    await ecr().send(new CreateRepositoryCommand({ repositoryName }));
    const client = await registryClient(aws(), aws().admin());
    await pushImage(client, repositoryName, "v1", image);
    await pushImage(client, repositoryName, "v2", image);
    const list = async () => (await ecr().send(new ListImagesCommand({ repositoryName }))).imageIds ?? [];
    const { digest } = image.manifest;
    expect(await list()).toEqual(["v1", "v2"].map((imageTag) => ({ imageDigest: digest, imageTag })));
    const remove = (...imageIds: object[]) => ecr().send(new BatchDeleteImageCommand({ repositoryName, imageIds }));
    expect((await remove({ imageTag: "v1" }, { imageTag: "none" })).failures?.[0]?.failureCode).toBe("ImageNotFound");
    expect(await list()).toEqual([{ imageDigest: digest, imageTag: "v2" }]);
    expect((await refused(ecr().send(new DeleteRepositoryCommand({ repositoryName })))).name).toBe(
      "RepositoryNotEmptyException",
    );
    await remove({ imageDigest: digest });
    expect(await list()).toEqual([]);
    expect((await registryRefusal(client.pullManifest(repositoryName, "v2"))).status).toBe(404);

    await pushImage(client, repositoryName, "v3", image);
    await ecr().send(new DeleteRepositoryCommand({ repositoryName, force: true }));
    await ecr().send(new CreateRepositoryCommand({ repositoryName }));
    expect((await registryRefusal(client.pullManifest(repositoryName, "v3"))).status).toBe(404);
    const missing = new DescribeImagesCommand({ repositoryName, imageIds: [{ imageTag: "v3" }] });
    expect((await refused(ecr().send(missing))).name).toBe("ImageNotFoundException");
  });

  const described = async (name: string, input: object = {}) =>
    ecr().send(new DescribeImagesCommand({ repositoryName: name, ...input }));
  const pushed = async (name: string, ...tags: readonly string[]) => {
    await ecr().send(new CreateRepositoryCommand({ repositoryName: name }));
    const client = await registryClient(aws(), aws().admin());
    for (const tag of tags) await pushImage(client, name, tag, buildImage({ seed: `${name} ${tag}` }));
    return client;
  };

  test("are described page by page, whatever comes and goes between the pages", async () => {
    const name = "images-paged";
    const client = await pushed(name, "a", "b", "c", "d");
    const first = await described(name, { maxResults: 2 });
    const gone = first.imageDetails?.[0]?.imageDigest;
    await ecr().send(new BatchDeleteImageCommand({ repositoryName: name, imageIds: [{ imageDigest: gone }] }));
    await pushImage(client, name, "e", buildImage({ seed: `${name} e` }));
    const rest: (string | undefined)[] = [];
    for (let nextToken = first.nextToken; nextToken !== undefined; ) {
      const page = await described(name, { maxResults: 2, nextToken });
      rest.push(...(page.imageDetails ?? []).flatMap(({ imageTags }) => imageTags));
      nextToken = page.nextToken;
    }
    expect(rest).toEqual(["c", "d", "e"]);
  });

  test("a token is for its own list and for a day, and nobody who names images gets pages", async () => {
    const [name, other] = ["images-token", "images-token-other"];
    await pushed(name, "a", "b");
    await pushed(other, "a", "b");
    const { nextToken, imageDetails } = await described(name, { maxResults: 1 });
    const asked = (input: object, of = name) => refused(described(of, input)).then((error) => error.name);
    expect(await asked({ nextToken }, other)).toBe("InvalidParameterException");
    expect(await asked({ nextToken, filter: { imageStatus: "ANY" } })).toBe("InvalidParameterException");
    expect(await asked({ nextToken: "anything" })).toBe("InvalidParameterException");
    expect(await asked({ maxResults: 1, imageIds: [{ imageTag: "a" }] })).toBe("InvalidParameterException");
    for (const maxResults of [0, 1_001]) expect(await asked({ maxResults })).toBe("InvalidParameterException");
    expect((await described(name, { nextToken })).imageDetails).not.toContainEqual(imageDetails?.[0]);
    aws().advance(24 * 60 * 60 * 1000);
    expect(await asked({ nextToken })).toBe("InvalidParameterException");
  });

  test("tell when they were pulled, and those in the archive only to who asks for them", async () => {
    const name = "images-pulled";
    const client = await pushed(name, "a", "b");
    const pulledAt = async () => (await described(name)).imageDetails?.map((image) => image.lastRecordedPullTime);
    expect(await pulledAt()).toEqual([undefined, undefined]);
    await pullImage(client, name, "a");
    expect(await pulledAt()).toEqual([expect.any(Date), undefined]);
    const [image] = [...(aws().world.registry(aws().home, "us-east-1").repositories.get(name)?.images.values() ?? [])];
    if (image) image.status = "ARCHIVED";
    expect((await described(name)).imageDetails).toHaveLength(1);
    expect((await described(name, { filter: { imageStatus: "ANY" } })).imageDetails).toHaveLength(2);
  });

  test("that an index holds stay while it does, also when their last tag is to go", async () => {
    const name = "images-index";
    const client = await pushed(name);
    const index = buildIndex({ seed: name });
    await pushImage(client, name, "multi", index);
    const [held] = index.images;
    await pushImage(client, name, "one", held as (typeof index.images)[number]);
    const remove = async (imageId: object) => {
      const { failures } = await ecr().send(new BatchDeleteImageCommand({ repositoryName: name, imageIds: [imageId] }));
      return failures?.map(({ failureCode }) => failureCode);
    };
    const imageDigest = held?.manifest.digest;
    expect(await remove({ imageDigest })).toEqual(["ImageReferencedByManifestList"]);
    expect(await remove({ imageTag: "one" })).toEqual(["ImageReferencedByManifestList"]);
    const wrong = { imageDigest: index.index.digest, imageTag: "one" };
    expect(await remove(wrong)).toEqual(["ImageTagDoesNotMatchDigest"]);
    expect(await remove({ imageDigest: "nonsense" })).toEqual(["InvalidImageDigest"]);
    expect(await remove({ imageDigest: index.index.digest })).toEqual([]);
    expect(await remove({ imageDigest })).toEqual([]);
    expect((await described(name)).imageDetails?.map((each) => each.imageDigest)).not.toContain(imageDigest);
  });
});
