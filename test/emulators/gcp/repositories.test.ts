import { describe, expect, test } from "vitest";
import { pushImage } from "../../../oci/client/index.ts";
import { buildImage } from "../../oci/client/images.ts";
import { artifactRegistry, as, HOME, imageIn, OTHER, refused, registryClient, useEmulator } from "./support.ts";

const gcp = useEmulator({ locations: ["europe-west1", "us-east1"], behaviour: { operationMs: 1 } });
const parent = `projects/${HOME}/locations/europe-west1`;
const DOCKER = { format: "DOCKER" as const };
let count = 0;
const admin = () => as(gcp().admin());
const who = (roles: Record<string, string[]>, project = HOME) =>
  as(gcp().token(gcp().serviceAccount(`account-${++count}`, { roles, project })));

async function create(repositoryId: string, repository: object = DOCKER, options = admin()) {
  const request = { parent, repositoryId, repository };
  const [operation] = await artifactRegistry(gcp()).createRepository(request, options);
  return operation;
}

describe("a repository", () => {
  test("is there when its operation is done, not before", async () => {
    const done = Promise.withResolvers<void>();
    gcp().faults.add({ fault: { kind: "held", until: done.promise }, action: "CreateRepository" });
    const operation = await create("fresh", { ...DOCKER, description: "For tests.", labels: { owner: "suite" } });
    expect(operation.latestResponse.done).toBe(false);
    const name = `${parent}/repositories/fresh`;
    expect(await refused(artifactRegistry(gcp()).getRepository({ name }, admin()))).toMatchObject({ code: 5 });
    done.resolve();
    const [made] = await operation.promise();
    expect(made).toMatchObject({
      name,
      // What the client decodes from an operation has its enums as numbers.
      format: 1,
      labels: { owner: "suite" },
      registryUri: `europe-west1-docker.pkg.dev/${HOME}/fresh`,
    });
    const [got] = await artifactRegistry(gcp()).getRepository({ name }, admin());
    expect(got).toMatchObject({ name, description: "For tests.", mode: "STANDARD_REPOSITORY" });
    expect(Number(got.createTime?.seconds)).toBeGreaterThan(1_700_000_000);
    expect(await refused(create("fresh"))).toMatchObject({ code: 6 });
  });

  test("made twice at the same time is made once", async () => {
    const done = Promise.withResolvers<void>();
    gcp().faults.add({ fault: { kind: "held", until: done.promise }, action: "CreateRepository", times: 2 });
    const operations = await Promise.all([create("race"), create("race")]);
    done.resolve();
    const results = await Promise.allSettled(operations.map((operation) => operation.promise()));
    expect(results.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  });

  test("needs a valid id, a format and a location", async () => {
    for (const id of ["", "Images", "1images", "images-", "a".repeat(64), "a/b"]) {
      expect(await refused(create(id))).toMatchObject({ code: 3 });
    }
    expect(await refused(create("formless", {}))).toMatchObject({ code: 3 });
    const client = artifactRegistry(gcp());
    const elsewhere = { parent: `projects/${HOME}/locations/mars-north1`, repositoryId: "images", repository: DOCKER };
    expect(await refused(client.createRepository(elsewhere, admin()))).toMatchObject({ code: 3 });
    for (const name of ["images", `${parent}/repositories/a/b`, `${parent}/repositories/`]) {
      expect(await refused(client.getRepository({ name }, admin()))).toMatchObject({ code: 3 });
    }
  });

  test("is deleted with everything in it, once", async () => {
    const repository = gcp().repository("doomed");
    const writer = gcp().serviceAccount("doomed-writer", {
      roles: { [repository]: ["roles/artifactregistry.writer"] },
    });
    const image = buildImage({ seed: "doomed" });
    await pushImage(registryClient(gcp(), gcp().token(writer)), imageIn(repository, "app"), "v1", image);
    const client = artifactRegistry(gcp());
    const [operation] = await client.deleteRepository({ name: repository }, admin());
    await operation.promise();
    expect(await refused(client.deleteRepository({ name: repository }, admin()))).toMatchObject({ code: 5 });
    expect(gcp().repository("doomed")).toBe(repository);
    expect((await client.listPackages({ parent: repository }, admin()))[0]).toEqual([]);
  });

  test("is listed in its own location, page by page", async () => {
    for (const id of ["page-a", "page-b", "page-c"]) gcp().repository(id, { location: "us-east1" });
    const here = { parent: `projects/${HOME}/locations/us-east1` };
    const ids: (string | undefined)[] = [];
    const pages = artifactRegistry(gcp()).listRepositoriesAsync({ ...here, pageSize: 2 }, admin());
    for await (const { name } of pages) ids.push(name?.split("/").at(-1));
    expect(ids).toEqual(["page-a", "page-b", "page-c"]);
    expect(gcp().calls.filter(({ action }) => action === "ListRepositories")).toHaveLength(2);
  });
});

describe("permissions", () => {
  const denied = { code: 7, reason: "IAM_PERMISSION_DENIED" };

  test("come with a token that is alive, and none other", async () => {
    const client = artifactRegistry(gcp());
    const list = (options: object) => refused(client.listRepositories({ parent }, options));
    expect(await list({ retry: null })).toMatchObject({ code: 16, reason: "CREDENTIALS_MISSING" });
    expect(await list(as("guessed"))).toMatchObject({ code: 16, reason: "ACCESS_TOKEN_TYPE_UNSUPPORTED" });
    const email = gcp().serviceAccount("short", { roles: { [HOME]: ["roles/viewer"] } });
    const short = gcp().token(email, { seconds: 60 });
    await client.listRepositories({ parent }, as(short));
    gcp().advance(60_000);
    expect(await list(as(short))).toMatchObject({ code: 16, reason: "ACCESS_TOKEN_EXPIRED" });
    const scoped = (scope: string) => as(gcp().token(email, { scopes: [`https://www.googleapis.com/auth/${scope}`] }));
    const tooNarrow = { code: 7, reason: "ACCESS_TOKEN_SCOPE_INSUFFICIENT" };
    expect(await list(scoped("devstorage.read_only"))).toMatchObject(tooNarrow);
    expect(await list(scoped("iam"))).toMatchObject(tooNarrow);
    await client.listRepositories({ parent }, scoped("cloud-platform.read-only"));
    expect(await refused(create("written", DOCKER, scoped("cloud-platform.read-only")))).toMatchObject(tooNarrow);
  });

  test("are those of the roles, on the resource or on its project", async () => {
    const [resource, other] = [gcp().repository("mine"), gcp().repository("theirs")];
    const client = artifactRegistry(gcp());
    const may = async (options: object) => {
      const calls = [
        client.getRepository({ name: resource }, options),
        client.getIamPolicy({ resource }, options),
        client.deletePackage({ name: `${resource}/packages/app` }, options),
        client.setIamPolicy({ resource, policy: { bindings: gcp().policy(resource).bindings } as object }, options),
        client.getRepository({ name: other }, options),
        client.listRepositories({ parent }, options),
        client.createRepository({ parent, repositoryId: "-", repository: DOCKER }, options),
      ];
      const ends = await Promise.all(
        calls.map((call) => (call as Promise<unknown>).then(() => 0).catch((error: { code?: number }) => error.code)),
      );
      return ends.map((code) => (code === 7 ? "-" : "+")).join("");
    };
    const on = (role: string) => who({ [resource]: [role] });
    expect(await may(who({}))).toBe("-------");
    expect(await may(on("roles/artifactregistry.reader"))).toBe("+------");
    expect(await may(on("roles/artifactregistry.repoAdmin"))).toBe("+-+----");
    expect(await may(on("roles/artifactregistry.admin"))).toBe("++++---");
    expect(await may(who({ [HOME]: ["roles/editor"] }))).toBe("+-+-+++");
    expect(await may(who({ [HOME]: ["roles/artifactregistry.admin"] }))).toBe("+++++++");
    expect(await may(who({ [OTHER]: ["roles/owner"] }, OTHER))).toBe("-------");
    expect(await may(on(gcp().role("policies", ["artifactregistry.repositories.getIamPolicy"])))).toBe("-+-----");
  });

  test("that are missing look like a resource that is", async () => {
    const name = `${parent}/repositories/nothing`;
    const client = artifactRegistry(gcp());
    expect(await refused(client.getRepository({ name }, who({})))).toMatchObject({
      ...denied,
      message: `7 PERMISSION_DENIED: Permission 'artifactregistry.repositories.get' denied on resource '${name}' (or it may not exist).`,
    });
    const elsewhere = `projects/no-such-project/locations/europe-west1/repositories/images`;
    expect(await refused(client.getRepository({ name: elsewhere }, admin()))).toMatchObject(denied);
    expect(await refused(client.getRepository({ name }, who({ [HOME]: ["roles/viewer"] })))).toMatchObject({ code: 5 });
  });

  test("of allUsers are everybody's who has a token, and can be asked for", async () => {
    const resource = gcp().repository("open");
    gcp().setPolicy(resource, [{ role: "roles/artifactregistry.reader", members: ["allAuthenticatedUsers"] }]);
    const client = artifactRegistry(gcp());
    await client.getRepository({ name: resource }, who({}));
    const asked = ["get", "downloadArtifacts", "uploadArtifacts"].map(
      (verb) => `artifactregistry.repositories.${verb}`,
    );
    const [{ permissions }] = await client.testIamPermissions({ resource, permissions: asked }, who({}));
    expect(permissions).toEqual(asked.slice(0, 2));
  });

  test("what is not emulated says so", async () => {
    const call = artifactRegistry(gcp()).listFiles({ parent: `${parent}/repositories/mine` }, admin());
    expect(await refused(call)).toMatchObject({ code: 12, message: expect.stringContaining("ListFiles") });
  });
});
