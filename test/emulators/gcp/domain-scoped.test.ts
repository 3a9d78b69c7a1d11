import { expect, test } from "vitest";
import { pullImage, pushImage } from "../../../oci/client/index.ts";
import { buildImage } from "../../oci/client/images.ts";
import { api, artifactRegistry, as, imageIn, registryClient, registryRefusal, useEmulator } from "./support.ts";

const PROJECT = "example.com:vendor";
const gcp = useEmulator({ projects: { [PROJECT]: "777788889999" }, accountDelayMs: 60_000 });
const READER = "roles/artifactregistry.reader";

test("the domain of a project is a segment of an image's path, and the end of an account's e-mail", async () => {
  const repository = gcp().repository("images");
  expect(repository).toBe(`projects/${PROJECT}/locations/europe-west1/repositories/images`);
  const email = gcp().serviceAccount("writer", { roles: { [repository]: ["roles/artifactregistry.writer"] } });
  expect(email).toBe("writer@vendor.example.com.iam.gserviceaccount.com");
  const client = registryClient(gcp(), gcp().token(email));
  const name = imageIn(repository, "team/app");
  expect(name).toBe("example.com/vendor/images/team/app");
  await pushImage(client, name, "v1", buildImage({ seed: "domain" }));
  await pullImage(client, name, "v1");
  const [packages] = await artifactRegistry(gcp()).listPackages({ parent: repository }, as(gcp().admin()));
  expect(packages).toMatchObject([{ name: `${repository}/packages/team%2Fapp` }]);
  const [shown] = await artifactRegistry(gcp()).getRepository({ name: repository }, as(gcp().admin()));
  expect(shown.registryUri).toBe("europe-west1-docker.pkg.dev/example.com/vendor/images");
  expect((await registryRefusal(pullImage(client, "vendor/images/team/app", "v1"))).status).toBe(403);
});

test("an account that was just made may not be named by policies for a while", async () => {
  const resource = gcp().repository("late");
  const admin = gcp().admin();
  const path = `/v1/projects/${PROJECT}/serviceAccounts`;
  const { email } = (await api(gcp(), admin, "POST", path, { accountId: "late-account" })).body;
  const set = () => {
    const policy = { bindings: [{ role: READER, members: [`serviceAccount:${email}`] }] };
    return artifactRegistry(gcp()).setIamPolicy({ resource, policy }, as(admin));
  };
  await expect(set()).rejects.toThrow(`Service account ${email} does not exist.`);
  gcp().advance(60_000);
  await set();
});

test("an address of Google's is reached here, and no other", () => {
  expect(gcp().reach("europe-west1-docker.pkg.dev/example.com/vendor/images/app")).toBe(gcp().registryUrl());
  expect(gcp().reach("https://europe-west1-docker.pkg.dev")).toBe(gcp().registryUrl("europe-west1"));
  expect(() => gcp().reach("us-docker.pkg.dev")).toThrow("name it at start");
  expect(() => gcp().reach("docker.io")).toThrow("no registry of Google Cloud");
});
