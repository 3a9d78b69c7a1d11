import { ContainerRegistryClient } from "@azure/container-registry";
import { beforeAll, describe, expect, test } from "vitest";
import { createClient, OciError, pullImage, pushImage } from "../../../oci/client/index.ts";
import { buildImage } from "../../oci-client/images.ts";
import type { Principal } from "./index.ts";
import { accessToken, ask, registryClient, useAzure } from "./support.ts";

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

async function refusal(call: Promise<unknown>) {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof OciError)) throw new Error("The call was not refused.");
  return { status: error.status, code: error.code };
}

/** Azure's own client, over TLS, as this identity. */
const official = (who: Principal) =>
  new ContainerRegistryClient(
    azure().registryUrl(NAME, "https"),
    {
      getToken: async (scopes) => {
        const resource = String(scopes).replace("/.default", "");
        return { token: await azure().entraToken(who, resource), expiresOnTimestamp: Date.now() + 3_600_000 };
      },
    },
    { retryOptions: { maxRetries: 0 } },
  );

describe("images", () => {
  test("are pushed and pulled with tokens that allow exactly that", async () => {
    await push("team/app");
    const pulled = await pullImage(await client("repository:team/app:pull", identity("AcrPull")), "team/app", "v1");
    expect(pulled).toMatchObject({ manifest: { digest: image.manifest.digest } });
    for (const scope of ["repository:team/app:pull", "repository:team/other:pull,push", "registry:catalog:*"]) {
      const refused = await refusal(pushImage(await client(scope), "team/app", "v2", image));
      expect(refused).toEqual({ status: 401, code: "UNAUTHORIZED" });
    }
    expect(await refusal(pullImage(await client("repository:team/app:push"), "team/app", "v1"))).toMatchObject({
      status: 401,
    });
  });

  test("list their tags to those who may read metadata only, as ACR does", async () => {
    await push("team/tags");
    expect(await refusal((await client("repository:team/tags:pull")).tags("team/tags"))).toMatchObject({ status: 401 });
    expect(await (await client("repository:team/tags:metadata_read")).tags("team/tags")).toEqual(["v1"]);
    expect(await refusal((await client("repository:none:metadata_read")).tags("none"))).toMatchObject({ status: 404 });
  });

  test("are reached with docker login's null GUID at the token service, not at the registry itself", async () => {
    await push("team/login");
    const password = await accessToken(azure(), NAME, pusher, "repository:team/login:pull");
    const username = "00000000-0000-0000-0000-000000000000";
    const docker = createClient({ url: azure().registryUrl(NAME), credentials: { username, password } });
    await pullImage(docker, "team/login", "v1");
    expect(await refusal(pushImage(docker, "team/login", "v2", image))).toMatchObject({ status: 401 });
    const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
    expect((await ask(`${azure().registryUrl(NAME)}/v2/`, { headers: { authorization } })).status).toBe(401);
  });

  test("are challenged for by scope, and not at all behind a closed network", async () => {
    const url = azure().registryUrl(NAME);
    const realm = `Bearer realm="${url}/oauth2/token",service="images.azurecr.io"`;
    expect((await ask(`${url}/v2/`)).headers.get("www-authenticate")).toBe(realm);
    const { status, headers, body } = await ask(`${url}/v2/a/b/manifests/v1`);
    expect([status, headers.get("www-authenticate")]).toEqual([401, `${realm},scope="repository:a/b:pull"`]);
    expect(body.errors[0].detail).toEqual([{ Type: "repository", Name: "a/b", Action: "pull" }]);
    const closed = await azure().registry("closedimages", { publicNetworkAccess: "Disabled" });
    const refused = await ask(`${azure().reach(closed.loginServer)}/oauth2/token?service=${closed.loginServer}`);
    expect([refused.status, refused.body.errors[0].code]).toEqual([403, "DENIED"]);
  });

  test("keep open what a token opened, until it ends, whatever becomes of the roles", async () => {
    const who = identity("AcrPush");
    const held = await client("repository:team/kept:pull,push", who);
    await pushImage(held, "team/kept", "v1", image);
    azure().unassign(who, "AcrPush");
    await pullImage(held, "team/kept", "v1");
    azure().advance(76 * 60_000);
    expect(await refusal(pullImage(held, "team/kept", "v1"))).toMatchObject({ status: 401 });
  });

  test("of one registry are not opened by a token of another", async () => {
    await azure().registry("builds");
    const who = azure().identity("both", { roles: { [azure().registryId("builds")]: ["AcrPush"] } });
    const bearer = await accessToken(azure(), "builds", who, "repository:team/app:pull");
    await push("team/app");
    expect(await refusal(pullImage(registryClient(azure(), NAME, bearer), "team/app", "v1"))).toMatchObject({
      status: 401,
    });
  });
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
    expect(await refusal(pullImage(await client("repository:nest/app:pull"), "nest/app", "v1"))).toMatchObject({
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
