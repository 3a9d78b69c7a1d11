import { beforeAll, describe, expect, test } from "vitest";
import { createClient, pullImage, pushImage } from "../../../oci/client/index.ts";
import { buildImage } from "../../oci/client/images.ts";
import {
  api,
  artifactRegistry,
  as,
  HOME,
  imageIn,
  refused,
  registryClient,
  registryRefusal,
  useEmulator,
} from "./support.ts";

const gcp = useEmulator();
const image = buildImage({ seed: "gcp", layers: [1000, 200_000] });
const READER = "roles/artifactregistry.reader";
const WRITER = "roles/artifactregistry.writer";
let count = 0;
let repository = "";
const account = (...roles: string[]) => gcp().serviceAccount(`account-${++count}`, { roles: { [repository]: roles } });
const client = (...roles: string[]) => registryClient(gcp(), gcp().token(account(...roles)));

beforeAll(() => {
  repository = gcp().repository("images");
});

describe("the registry", () => {
  test("takes a push from a writer, gives it to a reader, and to nobody else", async () => {
    const name = imageIn(repository, "team/app");
    await pushImage(client(WRITER), name, "v1", image);
    const pulled = await pullImage(client(READER), name, "v1");
    expect(pulled).toMatchObject({ manifest: { digest: image.manifest.digest } });
    for (const refused of [() => pullImage(client(), name, "v1"), () => pushImage(client(READER), name, "v2", image)]) {
      const { status, message } = await registryRefusal(refused());
      expect(status).toBe(403);
      expect(message).toMatch(/Permission "artifactregistry.repositories.(down|up)loadArtifacts" denied on resource/);
    }
    const [listed] = await artifactRegistry(gcp()).listPackages({ parent: repository }, as(gcp().admin()));
    expect(listed).toMatchObject([{ name: `${repository}/packages/team%2Fapp` }]);
  });

  test("gives tokens for what the account may do at the time of use", async () => {
    const anonymous = createClient({ url: gcp().registryUrl() });
    expect(await anonymous.challenges()).toMatchObject([
      { scheme: "bearer", params: { service: "europe-west1-docker.pkg.dev" } },
    ]);
    const token = gcp().token(account(READER));
    const path = `${gcp().registryUrl()}/v2/${imageIn(repository, "team/app")}/manifests/v1`;
    const get = (authorization: string) => fetch(path, { headers: { authorization } });
    const basic = (user: string) => `Basic ${Buffer.from(`${user}:${token}`).toString("base64")}`;
    expect((await get(`Bearer ${token}`)).status).toBe(200);
    expect((await get(basic("oauth2accesstoken"))).status).toBe(200);
    expect((await get(basic("someone"))).status).toBe(401);
    expect((await get("Bearer guessed")).status).toBe(401);
    gcp().setPolicy(repository, []);
    expect((await get(`Bearer ${token}`)).status).toBe(403);
  });

  test("knows its repositories only to those who may know", async () => {
    const missing = `${HOME}/nothing/app`;
    const everywhere = gcp().serviceAccount(`account-${++count}`, { roles: { [HOME]: [READER] } });
    const permitted = registryClient(gcp(), gcp().token(everywhere));
    expect((await registryRefusal(pullImage(permitted, missing, "v1"))).status).toBe(404);
    expect((await registryRefusal(pullImage(client(), missing, "v1"))).status).toBe(403);
    const untouched = imageIn(repository, "never-pushed");
    expect((await registryRefusal(pullImage(permitted, untouched, "v1"))).status).toBe(404);
    expect((await registryRefusal(permitted.tags(untouched))).status).toBe(404);
    expect((await registryRefusal(permitted.tags(missing))).status).toBe(404);
    const other = gcp().repository("npm", { format: "NPM" });
    expect((await registryRefusal(pullImage(permitted, imageIn(other, "app"), "v1"))).status).toBe(400);
    expect((await registryRefusal(permitted.catalog())).status).toBe(404);
    gcp().behaviour.emptyCatalog = true;
    expect(await permitted.catalog()).toEqual([]);
    const anonymous = await fetch(`${gcp().registryUrl()}/v2/${missing}/manifests/v1`);
    expect(anonymous.status).toBe(401);
    expect(anonymous.headers.get("www-authenticate")).toContain(`scope="repository:${missing}:pull"`);
  });

  test("ends a token by the emulator's clock, and with its account", async () => {
    const name = imageIn(repository, "clock");
    const [writer, gone] = [account(WRITER), account(READER)];
    const short = registryClient(gcp(), gcp().token(writer, { seconds: 60 }));
    await pushImage(short, name, "v1", image);
    const late = registryClient(gcp(), gcp().token(writer, { seconds: 60 }));
    const orphan = registryClient(gcp(), gcp().token(gone));
    gcp().advance(61_000);
    expect((await registryRefusal(pullImage(late, name, "v1"))).status).toBe(401);
    gcp().deleteServiceAccount(gone);
    expect((await registryRefusal(pullImage(orphan, name, "v1"))).status).toBe(401);
  });

  test("reads with a narrow scope, and writes only with one that writes", async () => {
    const name = imageIn(repository, "scopes");
    const email = account(WRITER);
    const scoped = (scope: string) =>
      registryClient(gcp(), gcp().token(email, { scopes: [`https://www.googleapis.com/auth/${scope}`] }));
    await pushImage(scoped("devstorage.read_write"), name, "v1", image);
    await pullImage(scoped("devstorage.read_only"), name, "v1");
    const readOnly = pushImage(scoped("devstorage.read_only"), name, "v2", image);
    expect((await registryRefusal(readOnly)).status).toBe(403);
    expect((await registryRefusal(pullImage(scoped("userinfo.email"), name, "v1"))).status).toBe(403);
  });

  test("opens to a token that was made by impersonation", async () => {
    const [caller, target] = [gcp().serviceAccount(`caller-${++count}`), account(READER, WRITER)];
    gcp().setPolicy(target, [{ role: "roles/iam.serviceAccountTokenCreator", members: [`serviceAccount:${caller}`] }]);
    const path = `/v1/projects/-/serviceAccounts/${target}:generateAccessToken`;
    const body = { scope: ["https://www.googleapis.com/auth/cloud-platform"], lifetime: "900s" };
    const answer = await api(gcp(), gcp().token(caller), "POST", path, body);
    const opened = registryClient(gcp(), String(answer.body.accessToken));
    await pushImage(opened, imageIn(repository, "impersonated"), "v1", image);
  });
});

describe("a package", () => {
  const admin = () => as(gcp().admin());

  test("is deleted alone: what is nested stays", async () => {
    const garClient = artifactRegistry(gcp());
    const pusher = client(WRITER, "roles/artifactregistry.repoAdmin");
    for (const path of ["nest", "nest/app", "nest/app/deep"])
      await pushImage(pusher, imageIn(repository, path), "v1", image);
    const name = `${repository}/packages/nest%2Fapp`;
    const [operation] = await garClient.deletePackage({ name }, admin());
    await operation.promise();
    expect((await registryRefusal(pullImage(pusher, imageIn(repository, "nest/app"), "v1"))).status).toBe(404);
    await pullImage(pusher, imageIn(repository, "nest"), "v1");
    await pullImage(pusher, imageIn(repository, "nest/app/deep"), "v1");
    expect(await refused(garClient.getPackage({ name }, admin()))).toMatchObject({ code: 5 });
    expect(await refused(garClient.deletePackage({ name }, admin()))).toMatchObject({ code: 5 });
  });

  test("survives an operation that ends in an error", async () => {
    const garClient = artifactRegistry(gcp());
    const pusher = client(WRITER);
    await pushImage(pusher, imageIn(repository, "kept"), "v1", image);
    gcp().faults.add({
      fault: { kind: "operation", status: "INTERNAL", message: "It broke." },
      action: "DeletePackage",
    });
    const name = `${repository}/packages/kept`;
    const [operation] = await garClient.deletePackage({ name }, admin());
    expect(await refused(operation.promise())).toMatchObject({
      code: 13,
      message: expect.stringContaining("It broke."),
    });
    await pullImage(pusher, imageIn(repository, "kept"), "v1");
  });
});
