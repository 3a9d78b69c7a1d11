import { afterAll, beforeAll, expect, test } from "vitest";
import { platform } from "../../../functions/kubernetes/index.ts";
import { createClient, pushImage } from "../../../oci/client/index.ts";
import { buildImage } from "../../oci/client/images.ts";
import { churned } from "../../support/churn.ts";
import { namesIn, pagesOf } from "../../support/pages.ts";
import { openSuite } from "../../support/suite.ts";
import { mountAccounts } from "../support/files.ts";
import { startOurRegistry } from "../support/our-registry.ts";

/** Lists of the size that people have, at an external registry. */

let registry: Awaited<ReturnType<typeof startOurRegistry>>;
let accounts: Awaited<ReturnType<typeof mountAccounts>>;
let env: Record<string, string>;
let suite: ReturnType<typeof openSuite>;

beforeAll(async () => {
  registry = await startOurRegistry(["images"]);
  accounts = await mountAccounts({
    account: registry.account(["pull", "push", "delete"], 36_000),
    pullAccount: registry.account(["pull"], 36_000),
    pushAccount: registry.account(["pull", "push"], 36_000),
  });
  const binding = { service: "external", registryUrl: registry.url, repositoryPrefix: "images", ...accounts.files };
  env = { ALIEN_IMAGES_BINDING: JSON.stringify(binding) };
  suite = openSuite(platform, env);
});
afterAll(async () => {
  await registry?.stop();
});

const repositoriesIn = (pageSize: number) => namesIn(suite, pageSize);

/** A client that pushes and deletes in the registry's folder. */
function client() {
  return createClient({ url: registry.url, credentials: registry.account(["pull", "push", "delete"], 36_000) });
}

test("1,200 repositories come in pages, each once", async () => {
  const names = Array.from({ length: 1_200 }, (_, each) => `many-${each}`);
  const left = [...names];
  const create = async () => {
    for (let name = left.shift(); name !== undefined; name = left.shift()) {
      const { status, text } = await suite.ask("createRepository", { name });
      if (status !== 200) throw new Error(text);
    }
  };
  await Promise.all(Array.from({ length: 16 }, create));
  const pages = await repositoriesIn(100);
  expect(pages.length).toBeGreaterThanOrEqual(12);
  expect(pages.every(({ length }) => length <= 100)).toBe(true);
  expect(pages.flat().sort()).toEqual(names.map((name) => `images/${name}`).sort());
});

test("1,000 tags come in pages, each once", async () => {
  const image = buildImage({ seed: "tagged" });
  const tags = Array.from({ length: 1_000 }, (_, each) => `t-${each}`);
  await suite.ask("createRepository", { name: "tagged" });
  for (const tag of tags) await pushImage(client(), "images/tagged", tag, image);
  const images = (await pagesOf(suite, "listImages", { repoId: "tagged", pageSize: 500 })).flatMap(
    (page) => page.images ?? [],
  );
  expect(images.flatMap((each) => each.tags).sort()).toEqual([...tags].sort());
});

test("a list that is read while 8 processes create and delete has what stays, each once", async () => {
  const stable = (await repositoriesIn(1_000)).flat().sort();
  for (const names of await churned({ platform, name: "kubernetes", env, pageSize: 100 })) {
    expect(names.filter((name) => !name.includes("-churn-")).sort()).toEqual(stable);
  }
});

test("a tag that is moved while its image is deleted leads to the other image, whichever comes first", async () => {
  const other = buildImage({ seed: "other" });
  await suite.ask("createRepository", { name: "moving" });
  for (let number = 1; number <= 30; number++) {
    const image = buildImage({ seed: `moved-${number}` });
    const { digest } = await pushImage(client(), "images/moving", "moved", image);
    const [deleted] = await Promise.all([
      suite.ask("deleteImage", { repoId: "moving", reference: digest }),
      pushImage(client(), "images/moving", "moved", other),
    ]);
    expect(deleted.status, deleted.text).toBe(200);
    const [page] = await pagesOf(suite, "listImages", { repoId: "moving" });
    expect(page?.images?.map(({ tags }) => tags)).toEqual([["moved"]]);
  }
});
