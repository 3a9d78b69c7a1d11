import { describe, expect, test } from "vitest";
import { platform } from "../../functions/gcp/index.ts";
import { createGarNames } from "../../functions/gcp/names.ts";
import { placeOf } from "../../functions/gcp/place.ts";
import { createClient, pullImage, pushImage } from "../../oci/client/index.ts";
import { startSuite } from "../contract/harness.ts";
import { startGcpEmulator } from "../emulators/gcp/index.ts";
import { buildImage } from "../oci/client/images.ts";
import { errorOf } from "../support/inputs.ts";

/** Repositories that took the place of Container Registry: their ids have a dot, and each has its own location. */
const migrated = [
  ["gcr.io", "us"],
  ["us.gcr.io", "us"],
  ["eu.gcr.io", "europe"],
  ["asia.gcr.io", "asia"],
] as const;

describe.each(migrated)("a registry in %s", (repositoryName, location) => {
  const place = placeOf({ projectId: "vendor-project", location, repositoryName }, {});
  const names = createGarNames(place, []);
  const prefix = `vendor-project/${repositoryName}`;

  test("has names like every other", () => {
    expect(names.prefix).toBe(prefix);
    expect(names.routeName("team/app")).toBe(`${prefix}/team/app`);
    expect(names.resolveId(`${location}-docker.pkg.dev/${prefix}/team/app`)).toBe(`${prefix}/team/app`);
  });

  test("reads its old addresses, and nobody else's", async () => {
    expect(names.resolveId(`${repositoryName}/vendor-project/team/app`)).toBe(`${prefix}/team/app`);
    expect(names.resolveId(`${repositoryName}/vendor-project`)).toBe(prefix);
    const others = migrated.map(([id]) => id).filter((id) => id !== repositoryName);
    for (const id of [...others.map((other) => `${other}/vendor-project/app`), `${repositoryName}/other-project/app`]) {
      expect(await errorOf(() => names.resolveId(id))).toMatchObject({ code: "INVALID_INPUT" });
    }
    // The dot of the id is a dot, and no sign for any character.
    const lookalike = `other-project/${repositoryName.replaceAll(".", "-")}/app`;
    expect(names.routeName(lookalike)).toBe(`${prefix}/${lookalike}`);
  });

  test("is refused in another location, where Google has none", async () => {
    const elsewhere = { projectId: "vendor-project", location: "europe-west1", repositoryName };
    expect(await errorOf(() => placeOf(elsewhere, {}))).toMatchObject({
      code: "BINDING_CONFIG_INVALID",
      hint: expect.stringContaining(`"${location}"`),
    });
  });
});

test("a registry in gcr.io: images are pushed, pulled and deleted, consumers let in; provisioning refuses it", async () => {
  const gcp = await startGcpEmulator({ projects: { "vendor-project": "111122223333" }, locations: ["us"] });
  try {
    const repository = gcp.repository("gcr.io");
    const pull = gcp.serviceAccount("pull-images", { roles: { [repository]: ["roles/artifactregistry.reader"] } });
    const push = gcp.serviceAccount("push-images", { roles: { [repository]: ["roles/artifactregistry.writer"] } });
    const roles = ["roles/artifactregistry.admin", "roles/iam.serviceAccountAdmin"];
    const own = gcp.serviceAccount("function", {
      roles: {
        "vendor-project": roles,
        [pull]: ["roles/iam.serviceAccountTokenCreator"],
        [push]: ["roles/iam.serviceAccountTokenCreator"],
      },
    });
    const env = { ...(await gcp.environment(own)), METADATA_SERVER_DETECTION: "assume-present" };
    Object.assign(process.env, env);
    const binding = { service: "gar", projectId: "vendor-project", location: "us", repositoryName: "gcr.io" };
    const accounts = { pullServiceAccountEmail: pull, pushServiceAccountEmail: push };
    const bound = { ...env, ALIEN_IMAGES_BINDING: JSON.stringify({ ...binding, ...accounts }) };
    const suite = await startSuite(platform, bound, ["images"]);
    const registry = "images";
    const created = await suite.ok("createRepository", { registry, name: "app" });
    expect(created).toMatchObject({
      name: "vendor-project/gcr.io/app",
      uri: "us-docker.pkg.dev/vendor-project/gcr.io/app",
    });
    const repoId = "gcr.io/vendor-project/app";
    const client = async (permissions: "pull" | "push-pull") => {
      const { username = "", password } = await suite.ok("generateCredentials", { registry, repoId, permissions });
      return createClient({ url: gcp.registryUrl(), credentials: { username, password } });
    };
    await pushImage(await client("push-pull"), created.name, "1.0", buildImage({ seed: "gcr" }));
    await pullImage(await client("pull"), created.name, "1.0");
    const access = {
      type: "gcp",
      projectNumbers: ["111122223333"],
      serviceAccountEmails: [],
      allowedServiceTypes: ["worker"],
    };
    await suite.ok("addCrossAccountAccess", { registry, repoId, access });
    await suite.ok("deleteRepository", { registry, repoId });
    expect(gcp.world.repositories.get(repository)?.packages.size).toBe(0);
    expect((await suite.ok("describeRegistry", { registry })).health.status).toBe("healthy");
    await suite.stop();

    const provision = await startSuite(platform, { ...bound, ALIEN_DOOR: "provision" }, ["images"]);
    const { body } = await provision.refused("provisionRegistry", { registry });
    expect(body).toMatchObject({ code: "BINDING_CONFIG_INVALID", retryable: false });
    expect(`${body.message} ${body.hint}`).toMatch(/gcr\.io.*cannot be provisioned.*bind/i);
    expect((await provision.ok("describeRegistry", { registry })).health.status).toBe("healthy");
    await provision.stop();
  } finally {
    await gcp.stop();
  }
});
