import { ContainerRegistryClient } from "@azure/container-registry";
import { beforeAll, describe, expect, test } from "vitest";
import { pullImage, pushImage } from "../../../oci/client/index.ts";
import { buildImage } from "../../oci/client/images.ts";
import type { Principal } from "./index.ts";
import { accessToken, ask, credentialOf, registryClient, registryRefusal, useAzure } from "./support.ts";

const azure = useAzure();
const NAME = "images";
const image = buildImage({ seed: "azure", layers: [1000, 200_000] });
let count = 0;
let pusher: Principal;
beforeAll(async () => {
  await azure().registry(NAME);
  pusher = identity("AcrPush", "AcrDelete");
});
const identity = (...roles: string[]) =>
  azure().identity(`identity-${++count}`, { roles: { [azure().registryId(NAME)]: roles } });
const client = async (scope: string, who = pusher) =>
  registryClient(azure(), NAME, await accessToken(azure(), NAME, who, scope));
const push = async (name: string, tag = "v1") =>
  pushImage(await client(`repository:${name}:pull,push`), name, tag, image);

/** Azure's own client, over TLS, as this identity. */
const official = (who: Principal) =>
  new ContainerRegistryClient(azure().registryUrl(NAME, "https"), credentialOf(azure(), who), {
    retryOptions: { maxRetries: 0 },
  });

describe("/acr/v1", () => {
  const v1 = async (path: string, scope: string, init: RequestInit = {}) => {
    const headers = { authorization: `Bearer ${await accessToken(azure(), NAME, pusher, scope)}` };
    return ask(`${azure().registryUrl(NAME)}/acr/v1/${path}?api-version=2021-07-01`, { ...init, headers });
  };

  test("tells of a repository, and deletes exactly that one", async () => {
    for (const name of ["nest", "nest/app", "nest/app/deep"]) await push(name);
    const { body } = await v1("nest%2Fapp", "repository:nest/app:metadata_read");
    expect(body).toMatchObject({ registry: "images.azurecr.io", imageName: "nest/app", manifestCount: 1, tagCount: 1 });
    expect(Date.parse(body.createdTime)).not.toBeNaN();
    const deleted = await v1("nest%2Fapp", "repository:nest/app:delete", { method: "DELETE" });
    expect(deleted).toMatchObject({
      status: 202,
      body: { manifestsDeleted: [image.manifest.digest], tagsDeleted: ["v1"] },
    });
    const again = await v1("nest/app", "repository:nest/app:delete", { method: "DELETE" });
    expect([again.status, again.body.errors[0].code]).toEqual([404, "NAME_UNKNOWN"]);
    expect(await registryRefusal(pullImage(await client("repository:nest/app:pull"), "nest/app", "v1"))).toMatchObject({
      status: 404,
    });
    for (const name of ["nest", "nest/app/deep"]) await pullImage(await client(`repository:${name}:pull`), name, "v1");
  });

  test("wants the action that it is about", async () => {
    await push("guarded");
    for (const scope of ["repository:guarded:pull,push,metadata_read", "repository:other:delete"]) {
      const { status, headers, body } = await v1("guarded", scope, { method: "DELETE" });
      expect([status, body.errors[0].code]).toEqual([401, "UNAUTHORIZED"]);
      expect(headers.get("www-authenticate")).toContain('scope="repository:guarded:delete",error="insufficient_scope"');
    }
    expect((await v1("guarded", "repository:guarded:pull")).status).toBe(401);
    expect((await v1("guarded", "repository:guarded:metadata_read")).status).toBe(200);
  });

  test("keeps what is locked", async () => {
    await push("locked");
    const lock = (deleteEnabled: boolean) =>
      v1("locked", "repository:locked:metadata_write", { method: "PATCH", body: JSON.stringify({ deleteEnabled }) });
    const remove = () => v1("locked", "repository:locked:delete", { method: "DELETE" });
    expect((await lock(false)).body.changeableAttributes.deleteEnabled).toBe(false);
    expect((await remove()).status).toBe(405);
    await lock(true);
    expect((await remove()).status).toBe(202);
  });

  test("does what Azure's own client asks of it", async () => {
    for (const tag of ["v1", "v2"]) await push("official/app", tag);
    const owner = official(identity("Contributor"));
    const repository = owner.getRepository("official/app");
    expect(await repository.getProperties()).toMatchObject({ name: "official/app", manifestCount: 1, tagCount: 2 });
    const tags = [];
    for await (const { name } of repository.getArtifact(image.manifest.digest).listTagProperties()) tags.push(name);
    expect(tags).toEqual(["v1", "v2"]);
    const manifests = [];
    for await (const { digest } of repository.listManifestProperties()) manifests.push(digest);
    expect(manifests).toEqual([image.manifest.digest]);
    const names = [];
    for await (const name of owner.listRepositoryNames()) names.push(name);
    expect(names).toContain("official/app");
    await repository.getArtifact("v2").deleteTag("v2");
    expect(await repository.getProperties()).toMatchObject({ tagCount: 1 });
    await expect(official(identity("AcrPull")).deleteRepository("official/app")).rejects.toMatchObject({
      statusCode: 401,
    });
    await owner.deleteRepository("official/app");
    await owner.deleteRepository("official/app");
    await expect(repository.getProperties()).rejects.toMatchObject({ statusCode: 404 });
  });

  test("pages through the catalog", async () => {
    for (const name of ["page/a", "page/b", "page/c"]) await push(name);
    const headers = { authorization: `Bearer ${await accessToken(azure(), NAME, pusher, "registry:catalog:*")}` };
    for (const path of ["/v2/_catalog", "/acr/v1/_catalog"]) {
      const seen: string[] = [];
      let next: string | undefined = `${path}?n=2`;
      while (next !== undefined) {
        const answer = await ask(`${azure().registryUrl(NAME)}${next}`, { headers });
        seen.push(...answer.body.repositories);
        next = /<(.*)>/.exec(answer.headers.get("link") ?? "")?.[1];
      }
      expect(seen).toEqual(seen.toSorted());
      expect(seen).toEqual(expect.arrayContaining(["page/a", "page/b", "page/c"]));
    }
  });
});

test("the shared port goes by the registry that a token is for", async () => {
  await push("shared/app");
  const headers = {
    authorization: `Bearer ${await accessToken(azure(), NAME, pusher, "repository:shared/app:metadata_read")}`,
  };
  expect((await ask(`${azure().acrUrl}/acr/v1/shared/app`, { headers })).body.imageName).toBe("shared/app");
  expect((await ask(`${azure().acrUrl}/acr/v1/shared/app`)).status).toBe(404);
});
