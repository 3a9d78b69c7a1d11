import { afterEach, expect, test } from "vitest";
import { pushImage } from "../../../oci/client/index.ts";
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
let count = 0;
afterEach(() => {
  gcp().behaviour.newAccounts = () => "seen";
});

const accounts = `/v1/projects/${HOME}/serviceAccounts`;

/** Makes an account over the API, as its owner. */
async function made(): Promise<{ email: string; admin: string }> {
  const admin = gcp().admin();
  const accountId = `made-${++count}-over`;
  const { status } = await api(gcp(), admin, "POST", accounts, { accountId, serviceAccount: {} });
  expect(status).toBe(200);
  return { email: `${accountId}@${HOME}.iam.gserviceaccount.com`, admin };
}

test("an account that was made over the API is missing or closed for as long as a test says, to every call", async () => {
  const { email, admin } = await made();
  const sights = ["missing", "denied", "seen", "denied", "seen"] as const;
  gcp().behaviour.newAccounts = ({ nth }) => sights[nth - 1] ?? "seen";
  const look = async () => (await api(gcp(), admin, "GET", `${accounts}/${email}`)).status;
  expect([await look(), await look(), await look()]).toEqual([404, 403, 200]);
  expect((await api(gcp(), admin, "POST", `${accounts}/${email}:getIamPolicy`)).status).toBe(403);
  expect((await api(gcp(), admin, "POST", `${accounts}/${email}:getIamPolicy`)).status).toBe(200);
  gcp().behaviour.newAccounts = () => "missing";
  const scope = ["https://www.googleapis.com/auth/cloud-platform"];
  const token = `/v1/projects/-/serviceAccounts/${email}:generateAccessToken`;
  expect((await api(gcp(), admin, "POST", token, { scope })).status).toBe(403);
  // What a test seeds was there long before.
  expect((await api(gcp(), admin, "GET", `${accounts}/${gcp().serviceAccount("seeded")}`)).status).toBe(200);
});

test("rights that are held back are written, told, and do not count until they are let go", async () => {
  const resource = gcp().repository(`held-${++count}`);
  const client = artifactRegistry(gcp());
  const reader = gcp().serviceAccount(`reader-${count}`);
  const look = () => client.getRepository({ name: resource }, as(gcp().token(reader)));
  const release = gcp().holdRights();
  const bindings = [{ role: "roles/artifactregistry.reader", members: [`serviceAccount:${reader}`] }];
  await client.setIamPolicy({ resource, policy: { version: 3, bindings } }, as(gcp().admin()));
  expect((await client.getIamPolicy({ resource }, as(gcp().admin())))[0].bindings).toMatchObject(bindings);
  expect(await refused(look())).toMatchObject({ code: 7 });
  release();
  expect((await look())[0].name).toBe(resource);
});

test.each(["REMOTE_REPOSITORY", "VIRTUAL_REPOSITORY"])("nobody pushes to a %s", async (mode) => {
  const name = gcp().repository(`mode-${++count}`, { mode });
  const [shown] = await artifactRegistry(gcp()).getRepository({ name }, as(gcp().admin()));
  expect(shown.mode).toBe(mode);
  const push = pushImage(registryClient(gcp(), gcp().admin()), imageIn(name, "app"), "1.0", buildImage({ seed: mode }));
  expect(await registryRefusal(push)).toMatchObject({ status: 400, message: expect.stringContaining(mode) });
});

test("a policy's members count together with those whom audit configurations exempt", async () => {
  const resource = gcp().repository(`full-${++count}`);
  const members = Array.from({ length: 1_499 }, (_, n) => `user:u${n}@example.com`);
  const exemptedMembers = ["user:a@example.com", "user:b@example.com"];
  gcp().setPolicy(
    resource,
    [],
    [{ service: "allServices", auditLogConfigs: [{ logType: "DATA_READ", exemptedMembers }] }],
  );
  const client = artifactRegistry(gcp());
  const set = (count: number) => {
    const bindings = [{ role: "roles/artifactregistry.reader", members: members.slice(0, count) }];
    return client.setIamPolicy({ resource, policy: { version: 3, bindings } }, as(gcp().admin()));
  };
  await set(1_498);
  expect((await refused(set(1_499))).message).toContain("(1,501) is larger than the maximum allowed size 1,500");
});

test.each([
  ["gcr.io", "us", true],
  ["gcr.io", "europe", false],
  ["eu.gcr.io", "europe", true],
  ["fr.gcr.io", "europe", false],
])("a repository %s in %s may be made: %s", async (repositoryId, location, allowed) => {
  const parent = `projects/${HOME}/locations/${location}`;
  const request = { parent, repositoryId, repository: { format: "DOCKER" as const } };
  const making = artifactRegistry(gcp()).createRepository(request, as(gcp().admin()));
  // The emulator serves one location here: the id is what it looks at first.
  const { message } = await refused(making);
  expect(message.includes("is not known to the emulator")).toBe(allowed);
});
