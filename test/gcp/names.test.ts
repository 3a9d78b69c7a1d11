import { describe, expect, test } from "vitest";
import { createGarNames, garPrefix } from "../../functions/gcp/names.ts";
import { type GarPlace, packageResource, placeOf } from "../../functions/gcp/place.ts";
import { errorOf } from "../support/inputs.ts";
import { foreignNameTests } from "../support/name-forms.ts";

const place: GarPlace = { project: "vendor-project", location: "europe-west1", repository: "images" };
const scoped: GarPlace = { ...place, project: "example.com:vendor" };
const names = createGarNames(place, [{ prefix: "vendor-project/builds", separator: "/" }]);

describe("names", () => {
  test.each([
    [place, "vendor-project/images"],
    [scoped, "example.com/vendor/images"],
  ])("the prefix is project and repository: %o", (at, prefix) => {
    expect(garPrefix(at)).toBe(prefix);
    const { routeName, resolveId } = createGarNames(at, []);
    expect(routeName("team/app")).toBe(`${prefix}/team/app`);
    expect(resolveId(`${prefix}/team/app`)).toBe(`${prefix}/team/app`);
    expect(resolveId("team/app")).toBe(`${prefix}/team/app`);
    expect(resolveId(prefix)).toBe(prefix);
  });

  test("the image path is what follows the prefix, whole, and its slashes are escaped in the API", () => {
    const path = names.imagePath(names.routeName("team/app/web"));
    expect(path).toBe("team/app/web");
    expect(packageResource(place, path)).toBe(
      "projects/vendor-project/locations/europe-west1/repositories/images/packages/team%2Fapp%2Fweb",
    );
    expect(names.imagePath(names.resolveId("vendor-project/images"))).toBe("");
  });

  test.each([
    "other-project/images/my-app",
    "other-project/images",
    "example.com/other-project/images/my-app",
    "example.com:other-project/images/my-app",
    "example.com:other-project/anything/my-app",
    "vendor-project/builds/my-app",
    "vendor-project/elsewhere/my-app",
  ])("%s is another's, as an id and as a name", async (id) => {
    expect(await errorOf(() => names.resolveId(id))).toMatchObject({
      code: "INVALID_INPUT",
      context: { field: "repoId" },
    });
    expect(await errorOf(() => names.routeName(id))).toMatchObject({
      code: "INVALID_INPUT",
      context: { field: "name" },
    });
  });

  test.each(["team/images", "my-app", "vendor-project", "images/my-app", "a.b/c", "team/app/images"])(
    "%s is a plain name",
    (name) => expect(names.routeName(name)).toBe(`vendor-project/images/${name}`),
  );
});

const host = "europe-west1-docker.pkg.dev";
const resource = "projects/vendor-project/locations/europe-west1/repositories/images";

foreignNameTests("Artifact Registry", names, {
  read: [
    [`${host}/vendor-project/images/team/app`, "vendor-project/images/team/app"],
    [`${host.toUpperCase()}/vendor-project/images/app`, "vendor-project/images/app"],
    [`${host}/vendor-project/images`, "vendor-project/images"],
    ["docker.europe-west1.rep.pkg.dev/vendor-project/images/app", "vendor-project/images/app"],
    [resource, "vendor-project/images"],
    [`${resource}/packages/app`, "vendor-project/images/app"],
    [`${resource}/packages/team%2Fapp%2fweb`, "vendor-project/images/team/app/web"],
  ],
  refused: [
    host,
    `${host}/vendor-project/builds/app`,
    `${host}/vendor-project/elsewhere/app`,
    `${host}/other-project/images/app`,
    `${host}/vendor-project/images/App`,
    `${host}/app`,
    `https://${host}/vendor-project/images/app`,
    "us-docker.pkg.dev/vendor-project/images/app",
    "gcr.io/vendor-project/images/app",
    "projects/other-project/locations/europe-west1/repositories/images/packages/app",
    "projects/123456789012/locations/europe-west1/repositories/images/packages/app",
    "projects/vendor-project/locations/us/repositories/images/packages/app",
    "projects/vendor-project/locations/europe-west1/repositories/builds/packages/app",
    "projects/vendor-project/locations/europe-west1/repositories/images-2",
    "projects/vendor-project/locations/europe-west1",
    `${resource}/`,
    `${resource}/packages/`,
    `${resource}/packages/App`,
    `${resource}/packages/a%2F%2Fb`,
    `${resource}/packages/a%3Ab`,
    `${resource}/packages/app/tags/latest`,
    `${resource}/packages/app/versions/x`,
    `${resource}/packages/app/packages/app`,
    `${resource}/dockerImages/app`,
    `//artifactregistry.googleapis.com/${resource}`,
  ],
});

test("the domain of a domain-scoped project stands in its resources as in its id, and before its name in a URI", () => {
  const { resolveId } = createGarNames(scoped, []);
  const own = "projects/example.com:vendor/locations/europe-west1/repositories/images";
  expect(resolveId(`${own}/packages/app`)).toBe("example.com/vendor/images/app");
  expect(resolveId(`${host}/example.com/vendor/images/app`)).toBe("example.com/vendor/images/app");
});

describe("places", () => {
  const env = { GOOGLE_CLOUD_PROJECT: "from-environment", GOOGLE_CLOUD_LOCATION: "us" };
  const whole = "projects/vendor-project/locations/europe-west1/repositories/images";

  test("the binding tells, then the whole resource name, then the environment", () => {
    const told = { projectId: place.project, location: place.location, repositoryName: "images" };
    expect(placeOf(told, env)).toEqual(place);
    expect(placeOf({ repositoryName: whole }, env)).toEqual(place);
    expect(placeOf({ repositoryName: "images" }, env)).toEqual({
      project: "from-environment",
      location: "us",
      repository: "images",
    });
  });

  test.each([
    [{ repositoryName: "images" }, {}, "projectId"],
    [{ repositoryName: "images", projectId: "vendor-project" }, {}, "location"],
    [{ repositoryName: whole, projectId: "other-project" }, env, "projectId"],
    [{ repositoryName: whole, location: "us" }, env, "location"],
    [{ repositoryName: "images" }, { ...env, GOOGLE_CLOUD_PROJECT: "No Project" }, "projectId"],
  ])("%o is refused in %o", async (binding, environment, field) => {
    expect(await errorOf(() => placeOf(binding, environment))).toMatchObject({
      code: "BINDING_CONFIG_INVALID",
      context: { field },
    });
  });
});
