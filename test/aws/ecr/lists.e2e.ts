import { afterAll, beforeAll, expect, test } from "vitest";
import { account } from "../../../functions/aws/grants/grant.ts";
import { platform } from "../../../functions/aws/index.ts";
import { churned } from "../../support/churn.ts";
import { namesOf, pagesOf } from "../../support/pages.ts";
import { type AwsStack, startStack } from "../support/stack.ts";
import { openApplication, type TestApplication } from "./support/application.ts";
import { A, makeConsumers } from "./support/consumers.ts";
import { home, seed } from "./support/replicated.ts";

/** Lists of the size that people have, and lists that change while they are read. */

let stack: AwsStack;
let application: TestApplication;
const many = Array.from({ length: 1_200 }, (_, each) => `images-many-${each}`).sort();
beforeAll(async () => {
  stack = await startStack({ behaviour: { trusting: true } });
  makeConsumers(stack.emulator);
  stack.useInThisProcess();
  application = openApplication(stack, { env: { AWS_LAMBDA_FUNCTION_NAME: "artifact-registry" } });
  // Every third lets an account in; others' repositories are on the same pages.
  for (const [index, name] of many.entries()) seed(stack, [home], name, index % 3 === 0 ? [account(A)] : []);
  for (let index = 0; index < 300; index++) seed(stack, [home], `${index % 2 ? "a" : "z"}-theirs-${index}`, []);
});
afterAll(() => stack.stop());

const pagesBy = async (operation: string, input: object) => (await pagesOf(application, operation, input)).map(namesOf);
const listed = async (pageSize: number) =>
  (await pagesBy("listRepositories", { pageSize })).map((page) => page.filter((name) => name !== "images"));

test("1,200 repositories come in pages, each once, and no other's", async () => {
  for (const pageSize of [100, 1_000]) {
    const pages = await listed(pageSize);
    expect(pages.flat()).toEqual(many);
    for (const { length } of pages) expect(length).toBeLessThanOrEqual(pageSize);
  }
});

test("what a consumer may pull is on one of the pages", async () => {
  const may = (await pagesBy("listGranteeAccess", { grantee: `aws:${A}` })).flat();
  expect(may).toEqual(many.filter((_, index) => index % 3 === 0));
});

test("1,000 tags of 500 images come in pages, each once", async () => {
  const name = "images-tagged";
  seed(stack, [home], name, []);
  const { images } = stack.emulator.world.registry(stack.account, home).repositories.get(name) ?? {};
  const digests = Array.from({ length: 500 }, (_, index) => `sha256:${String(index).padStart(64, "0")}`);
  // Pushed at the same moment, as by many builds.
  const pushedAt = stack.emulator.world.clock();
  for (const [index, digest] of digests.entries()) {
    const common = { mediaType: "application/vnd.oci.image.manifest.v1+json", artifactMediaType: undefined, size: 1 };
    const tags = new Set([`a-${index}`, `b-${index}`]);
    images?.set(digest, { ...common, digest, pushedAt, tags, holds: [], lastPulledAt: undefined, status: "ACTIVE" });
  }
  for (const pageSize of [1, 100, 1_000]) {
    expect((await pagesBy("listImages", { repoId: name, pageSize })).flat()).toEqual(digests);
  }
});

test("a list that is read while 8 processes create and delete has what stays, each once", async () => {
  const stable = (await pagesBy("listRepositories", { pageSize: 1_000 })).flat();
  const env = {
    ...stack.env(),
    AWS_LAMBDA_FUNCTION_NAME: "artifact-registry",
    ALIEN_IMAGES_BINDING: stack.binding("images"),
  };
  const read = await churned({ platform, name: "aws", env, pageSize: 100 });
  for (const names of read) expect(names.filter((name) => !name.includes("-churn-"))).toEqual(stable);
});
