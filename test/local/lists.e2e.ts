import { afterAll, beforeAll, expect, test } from "vitest";
import { localPlatform } from "../../functions/local/index.ts";
import { createClient, digestOf, type OciClient, ociConfig, ociManifest } from "../../oci/client/index.ts";
import { startLocal, type TestSuite } from "../client/support/suite.ts";
import { churned } from "../support/churn.ts";
import { namesIn, pagesOf } from "../support/pages.ts";
import { openSuite } from "../support/suite.ts";

/** Lists of the size that the issue names, and lists that change while they are read. */

let local: TestSuite;
let env: Record<string, string>;
let suite: ReturnType<typeof openSuite>;

beforeAll(async () => {
  local = await startLocal();
  const { registryUrl, settings } = local;
  const binding = (service: string) => JSON.stringify({ service, registryUrl, dataDir: settings.dataDir });
  env = { ALIEN_IMAGES_BINDING: binding("local") };
  suite = openSuite(localPlatform({ registryUrl, dataDir: settings.dataDir }), env);
});
afterAll(() => local.stop());

async function answerOf<Answer>(operation: string, input: object): Promise<Answer> {
  const { status, text, body } = await suite.ask(operation, input);
  if (status !== 200) throw new Error(`${operation}: ${text}`);
  return body as Answer;
}

const repositoriesIn = (pageSize: number) => namesIn(suite, pageSize);

/** Does the work for each item, 32 at a time. */
async function crowd<Item>(items: readonly Item[], work: (item: Item) => Promise<unknown>): Promise<void> {
  const left = [...items];
  const one = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: 32 }, one));
}

const config = Buffer.from("{}");
const configDigest = digestOf(config);

/** An image without layers, another one for each number. */
function imageNumber(number: number) {
  const described = { mediaType: ociConfig, digest: configDigest, size: config.byteLength };
  const content = {
    schemaVersion: 2,
    mediaType: ociManifest,
    config: described,
    layers: [],
    annotations: { n: `${number}` },
  };
  const bytes = Buffer.from(JSON.stringify(content));
  return { bytes, mediaType: ociManifest, digest: digestOf(bytes) };
}

async function pushing(name: string): Promise<OciClient> {
  await answerOf("createRepository", { name });
  const { password } = await answerOf<{ password: string }>("generateCredentials", {
    repoId: name,
    permissions: "push-pull",
  });
  const client = createClient({ url: local.registryUrl, credentials: { username: "token", password } });
  await client.pushBlob(`images/${name}`, { digest: configDigest, body: config });
  return client;
}

test("1,200 repositories come in pages, each once", async () => {
  const names = Array.from({ length: 1_200 }, (_, each) => `many-${each}`);
  await crowd(names, (name) => answerOf("createRepository", { name }));
  const expected = names.map((name) => `images/${name}`).sort();
  const pages = await repositoriesIn(100);
  expect(pages.map(({ length }) => length)).toEqual(Array(12).fill(100));
  expect(pages.flat()).toEqual(expected);
  expect((await repositoriesIn(1_000)).map(({ length }) => length)).toEqual([1_000, 200]);
});

test("1,000 tags of 500 images come in pages, each once", async () => {
  const client = await pushing("tagged");
  const numbers = Array.from({ length: 500 }, (_, each) => each);
  await crowd(numbers, async (number) => {
    for (const tag of [`a-${number}`, `b-${number}`])
      await client.pushManifest("images/tagged", tag, imageNumber(number));
  });
  const pages = (await pagesOf(suite, "listImages", { repoId: "tagged", pageSize: 100 })).map(
    ({ images = [] }) => images,
  );
  const all = pages.flat();
  expect(pages.length).toBeLessThanOrEqual(6);
  for (const page of pages) expect(page.length).toBeLessThanOrEqual(100);
  expect(all.map(({ digest }) => digest)).toEqual(numbers.map((number) => imageNumber(number).digest).sort());
  const tagsOf = new Map(all.map(({ digest, tags }) => [digest, tags]));
  for (const number of numbers) {
    expect(tagsOf.get(imageNumber(number).digest)).toEqual([`a-${number}`, `b-${number}`]);
  }
});

test("a list that is read while 8 processes create and delete has what stays, each once", async () => {
  const stable = (await repositoriesIn(1_000)).flat();
  const { registryUrl, settings } = local;
  const platform = localPlatform({ registryUrl, dataDir: settings.dataDir });
  for (const names of await churned({ platform, name: "local", env, pageSize: 100 })) {
    expect(names.filter((name) => !name.includes("-churn-"))).toEqual(stable);
  }
  expect((await repositoriesIn(1_000)).flat()).toEqual(stable);
});

test("a tag that is moved while its image is deleted leads to the other image, whichever comes first", async () => {
  const client = await pushing("moving");
  const other = imageNumber(0);
  for (let number = 1; number <= 100; number++) {
    const image = imageNumber(number);
    await client.pushManifest("images/moving", "moved", image);
    await Promise.all([
      answerOf("deleteImage", { repoId: "moving", reference: image.digest }),
      client.pushManifest("images/moving", "moved", other),
    ]);
    const [page] = await pagesOf(suite, "listImages", { repoId: "moving" });
    expect(page?.images?.map(({ digest, tags }) => [digest, tags])).toEqual([[other.digest, ["moved"]]]);
  }
});
