import {
  BatchGetImageCommand,
  CreateRepositoryCommand,
  DescribeImagesCommand,
  GetAuthorizationTokenCommand,
  SetRepositoryPolicyCommand,
} from "@aws-sdk/client-ecr";
import { beforeAll, describe, expect, test } from "vitest";
import { createClient, pullImage, pushImage } from "../../../oci/client/index.ts";
import { buildImage, buildIndex } from "../../oci/client/images.ts";
import {
  allow,
  assume,
  clients,
  decode,
  HOME,
  OTHER,
  policy,
  registryClient,
  registryRefusal,
  useEmulator,
} from "./support.ts";

const aws = useEmulator({ regions: ["us-east-1", "eu-west-1"] });
const ecr = () => clients(aws()).ecr;
const image = buildImage({ seed: "data-plane", layers: [1000, 200_000] });
const all = (name: string) => `arn:aws:ecr:*:${HOME}:repository/${name}`;
const TOKEN = allow("ecr:GetAuthorizationToken");
const READ = ["ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"];
const WRITE = ["ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload", "ecr:PutImage"];
let count = 0;
const as = (policies: ReturnType<typeof allow>[], account = HOME) =>
  registryClient(
    aws(),
    aws().credentialsFor(aws().role(account, `client-${++count}`, { policies: [TOKEN, ...policies] })),
  );
const fresh = async (options: object = {}) => {
  const repositoryName = `images-${++count}`;
  await ecr().send(new CreateRepositoryCommand({ repositoryName, ...options }));
  return repositoryName;
};

describe("a registry", () => {
  test("asks for Basic credentials, and takes no others", async () => {
    const anonymous = createClient({ url: aws().registryUrl("us-east-1") });
    expect(await anonymous.challenges()).toMatchObject([{ scheme: "basic", params: { service: "ecr.amazonaws.com" } }]);
    const { password } = aws().lambda.credentials(`arn:aws:lambda:us-east-1:${OTHER}:function:f`);
    for (const credentials of [
      { username: "AWS", password: "guessed" },
      { username: "token", password },
    ]) {
      const client = createClient({ url: aws().registryUrl("us-east-1"), credentials });
      expect((await registryRefusal(client.ping())).status).toBe(401);
    }
  });

  test("takes a push, gives it back, and tells ECR of it", async () => {
    const repositoryName = await fresh();
    const client = await as([allow([...READ, ...WRITE], all(repositoryName))]);
    const index = buildIndex({ seed: "index", layers: [500] });
    await pushImage(client, repositoryName, "v1", image);
    await pushImage(client, repositoryName, "multi", index);
    expect(await pullImage(client, repositoryName, "v1")).toEqual(image);
    const { imageDetails } = await ecr().send(new DescribeImagesCommand({ repositoryName }));
    expect(imageDetails?.map(({ imageTags }) => imageTags)).toEqual([["v1"], undefined, undefined, ["multi"]]);
    expect(imageDetails?.[0]).toMatchObject({ imageDigest: image.manifest.digest, imagePushedAt: expect.any(Date) });
    expect(aws().events.filter(({ detail }) => detail["repository-name"] === repositoryName)).toHaveLength(4);
    const { images } = await ecr().send(new BatchGetImageCommand({ repositoryName, imageIds: [{ imageTag: "v1" }] }));
    expect(images?.[0]?.imageManifest).toBe(Buffer.from(image.manifest.bytes).toString());
  });

  test("makes no repository by itself, and deletes nothing", async () => {
    const client = await as([allow("ecr:*")]);
    expect((await registryRefusal(pushImage(client, "images-nowhere", "v1", image))).status).toBe(404);
    expect((await registryRefusal(client.pullManifest("images-nowhere", "v1"))).message).toContain("NAME_UNKNOWN");
    const repositoryName = await fresh();
    await pushImage(client, repositoryName, "v1", image);
    expect((await registryRefusal(client.deleteManifest(repositoryName, "v1"))).status).toBe(405);
    expect((await registryRefusal(client.deleteManifest(repositoryName, image.manifest.digest))).status).toBe(405);
  });

  test("keeps an immutable tag", async () => {
    const repositoryName = await fresh({ imageTagMutability: "IMMUTABLE" });
    const client = await as([allow("ecr:*")]);
    await pushImage(client, repositoryName, "v1", image);
    await pushImage(client, repositoryName, "v1", image);
    const other = buildImage({ seed: "other" });
    expect((await registryRefusal(pushImage(client, repositoryName, "v1", other))).message).toContain("TAG_INVALID");
    await pushImage(client, repositoryName, "v2", other);
  });
});

describe("each request is authorised", () => {
  let repositoryName = "";
  beforeAll(async () => {
    repositoryName = await fresh();
    await pushImage(await as([allow("ecr:*")]), repositoryName, "v1", image);
  });

  test.each(READ)("a pull is refused without %s", async (missing) => {
    const client = await as([
      allow(
        READ.filter((action) => action !== missing),
        all(repositoryName),
      ),
    ]);
    const { status, message } = await registryRefusal(pullImage(client, repositoryName, "v1"));
    expect([status, message]).toEqual([403, expect.stringContaining(missing)]);
  });

  test.each(WRITE)("a push is refused without %s", async (missing) => {
    const allowed = [...READ, ...WRITE].filter((action) => action !== missing);
    const client = await as([allow(allowed, all(repositoryName))]);
    const pushed = pushImage(client, repositoryName, "v2", buildImage({ seed: missing }));
    expect((await registryRefusal(pushed)).status).toBe(403);
  });

  test("a session's own policy counts, and one repository is not another", async () => {
    const other = await fresh();
    const RoleArn = aws().role(HOME, "pull", { policies: allow("ecr:*") });
    const Policy = policy(TOKEN, allow(READ, all(repositoryName)));
    const client = await registryClient(aws(), await assume(aws(), aws().admin(), { RoleArn, Policy }));
    expect(await pullImage(client, repositoryName, "v1")).toEqual(image);
    for (const denied of [
      () => pullImage(client, other, "v1"),
      () => pushImage(client, repositoryName, "v2", buildImage({ seed: "x" })),
    ]) {
      expect((await registryRefusal(denied())).status).toBe(403);
    }
  });

  test("another account's role is let in by the repository's policy, and by its own", async () => {
    const shared = await fresh();
    await pushImage(await as([allow("ecr:*")]), shared, "v1", image);
    const consumer = await as([allow(READ)], OTHER);
    const bare = await as([], OTHER);
    expect((await registryRefusal(pullImage(consumer, shared, "v1"))).status).toBe(403);
    const policyText = policy({ Effect: "Allow", Principal: { AWS: OTHER }, Action: READ });
    await ecr().send(new SetRepositoryPolicyCommand({ repositoryName: shared, policyText }));
    expect(await pullImage(consumer, shared, "v1")).toEqual(image);
    expect((await registryRefusal(pullImage(bare, shared, "v1"))).status).toBe(403);
    expect((await registryRefusal(pushImage(consumer, shared, "v2", buildImage({ seed: "c" })))).status).toBe(403);
  });
});

describe("a token", () => {
  test("is its region's", async () => {
    const { ecr: api } = clients(aws());
    const { authorizationData } = await api.send(new GetAuthorizationTokenCommand({}));
    const credentials = decode(authorizationData?.[0]?.authorizationToken);
    await createClient({ url: aws().registryUrl("us-east-1"), credentials }).ping();
    const elsewhere = createClient({ url: aws().registryUrl("eu-west-1"), credentials });
    expect((await registryRefusal(elsewhere.ping())).status).toBe(401);
  });

  test("ends with its session, and with its role's rights", async () => {
    const repositoryName = await fresh();
    const RoleArn = aws().role(HOME, "passing", { policies: [TOKEN, allow("ecr:*")] });
    const session = await assume(aws(), aws().admin(), { RoleArn, DurationSeconds: 900 });
    const client = await registryClient(aws(), session);
    await client.tags(repositoryName);
    aws().role(HOME, "passing");
    expect((await registryRefusal(client.tags(repositoryName))).status).toBe(403);

    const held = await registryClient(
      aws(),
      await assume(aws(), aws().admin(), {
        RoleArn: aws().role(HOME, "held", { policies: allow("ecr:*") }),
        DurationSeconds: 900,
      }),
    );
    await held.tags(repositoryName);
    aws().advance(901_000);
    expect((await registryRefusal(held.tags(repositoryName))).message).toContain("expired");
  });
});
