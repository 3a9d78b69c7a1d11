import { beforeAll, describe, expect, test } from "vitest";
import { createClient, pullImage, pushImage } from "../../../oci/client/index.ts";
import { buildImage } from "../../oci/client/images.ts";
import type { Principal } from "./index.ts";
import { accessToken, ask, registryClient, registryRefusal, useAzure } from "./support.ts";

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

describe("images", () => {
  test("are pushed and pulled with tokens that allow exactly that", async () => {
    await push("team/app");
    const pulled = await pullImage(await client("repository:team/app:pull", identity("AcrPull")), "team/app", "v1");
    expect(pulled).toMatchObject({ manifest: { digest: image.manifest.digest } });
    for (const scope of ["repository:team/app:pull", "repository:team/other:pull,push", "registry:catalog:*"]) {
      const refused = await registryRefusal(pushImage(await client(scope), "team/app", "v2", image));
      expect(refused).toEqual({ status: 401, code: "UNAUTHORIZED" });
    }
    expect(await registryRefusal(pullImage(await client("repository:team/app:push"), "team/app", "v1"))).toMatchObject({
      status: 401,
    });
  });

  test("list their tags to those who may read metadata only, as ACR does", async () => {
    await push("team/tags");
    expect(await registryRefusal((await client("repository:team/tags:pull")).tags("team/tags"))).toMatchObject({
      status: 401,
    });
    expect(await (await client("repository:team/tags:metadata_read")).tags("team/tags")).toEqual(["v1"]);
    expect(await registryRefusal((await client("repository:none:metadata_read")).tags("none"))).toMatchObject({
      status: 404,
    });
  });

  test("are reached with docker login's null GUID at the token service, not at the registry itself", async () => {
    await push("team/login");
    const password = await accessToken(azure(), NAME, pusher, "repository:team/login:pull");
    const username = "00000000-0000-0000-0000-000000000000";
    const docker = createClient({ url: azure().registryUrl(NAME), credentials: { username, password } });
    await pullImage(docker, "team/login", "v1");
    expect(await registryRefusal(pushImage(docker, "team/login", "v2", image))).toMatchObject({ status: 401 });
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
    expect(await registryRefusal(pullImage(held, "team/kept", "v1"))).toMatchObject({ status: 401 });
  });

  test("of one registry are not opened by a token of another", async () => {
    await azure().registry("builds");
    const who = azure().identity("both", { roles: { [azure().registryId("builds")]: ["AcrPush"] } });
    const bearer = await accessToken(azure(), "builds", who, "repository:team/app:pull");
    await push("team/app");
    expect(await registryRefusal(pullImage(registryClient(azure(), NAME, bearer), "team/app", "v1"))).toMatchObject({
      status: 401,
    });
  });
});
