import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { platform } from "../../../functions/kubernetes/index.ts";
import { createClient, pushImage } from "../../../oci/client/index.ts";
import { buildImage } from "../../oci/client/images.ts";
import { openSuite } from "../../support/suite.ts";
import { mountAccounts } from "../support/files.ts";
import { startOurRegistry } from "../support/our-registry.ts";

describe("the lists of a registry that somebody else runs", () => {
  let registry: Awaited<ReturnType<typeof startOurRegistry>>;
  let accounts: Awaited<ReturnType<typeof mountAccounts<"account">>>;
  let unlisted: typeof accounts;
  const rights = ["pull", "push", "delete"];
  const suite = (more: object = {}, files: object = accounts.files) =>
    openSuite(platform, {
      ALIEN_IMAGES_BINDING: JSON.stringify({
        service: "external",
        registryUrl: registry.url,
        repositoryPrefix: "images",
        ...files,
        ...more,
      }),
    });
  const client = () => createClient({ url: registry.url, credentials: registry.account(rights) });

  beforeAll(async () => {
    registry = await startOurRegistry(["images", "imagesx"]);
    accounts = await mountAccounts({ account: registry.account(rights) });
    unlisted = await mountAccounts({ account: registry.accountFor({ "images/*": rights, images: rights }) });
    for (const name of ["images/a", "images/b/c", "images", "imagesx", "imagesx/d"]) {
      await pushImage(client(), name, "1.0", buildImage({ seed: name }));
    }
  });
  afterAll(async () => {
    await registry.stop();
    await accounts.remove();
    await unlisted.remove();
  });

  test("have what is below the prefix, and nothing beside it", async () => {
    const { status, body } = await suite().ask("listRepositories", {});
    expect(status).toBe(200);
    expect((body as { repositories: { name: string }[] }).repositories.map(({ name }) => name).sort()).toEqual([
      "images",
      "images/a",
      "images/b/c",
    ]);
  });

  test("are refused where the catalogue is shut, with what to do", async () => {
    const { status, body } = await suite({}, unlisted.files).ask("listRepositories", {});
    expect([status, body]).toMatchObject([
      501,
      { code: "OPERATION_NOT_SUPPORTED", retryable: false, hint: expect.stringMatching(/registry:catalog:\*/) },
    ]);
    expect((await suite({}, unlisted.files).ask("listImages", { repoId: "a" })).status).toBe(200);
  });

  test("are not there by the binding's word, and the capabilities say so", async () => {
    const shut = suite({ catalog: false });
    const { body } = await shut.ask("describeRegistry", {});
    expect(body).toMatchObject({ capabilities: { unsupported: { listRepositories: { reason: expect.any(String) } } } });
    expect((await shut.ask("listRepositories", {})).body).toMatchObject({ code: "OPERATION_NOT_SUPPORTED" });
    const open = (await suite().ask("describeRegistry", {})).body as { capabilities: { unsupported: object } };
    expect(Object.keys(open.capabilities.unsupported)).not.toContain("listRepositories");
  });
});
