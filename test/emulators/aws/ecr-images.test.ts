import {
  BatchDeleteImageCommand,
  CreateRepositoryCommand,
  DeleteRepositoryCommand,
  DescribeImagesCommand,
  ListImagesCommand,
} from "@aws-sdk/client-ecr";
import { describe, expect, test } from "vitest";
import { pushImage } from "../../../oci/client/index.ts";
import { buildImage } from "../../oci/client/images.ts";
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
});
