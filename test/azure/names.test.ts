import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ociGrammar, type RoutableName } from "../../core/names.ts";
import { createAcrNames, scopeMapName } from "../../functions/azure/names.ts";
import { errorOf } from "../support/inputs.ts";
import { foreignNameTests } from "../support/name-forms.ts";

const loginServer = "vendor.azurecr.io";
const prefixed = createAcrNames({ loginServer, repositoryPrefix: "images" }, [{ prefix: "builds", separator: "/" }]);
const whole = createAcrNames({ loginServer }, [{ prefix: "builds", separator: "/" }]);

describe("names", () => {
  test("are the logical name under the registry's prefix, or the name alone", () => {
    expect(prefixed.routeName("team/app")).toBe("images/team/app");
    expect(prefixed.resolveId("images/team/app")).toBe("images/team/app");
    expect(prefixed.resolveId("team/app")).toBe("images/team/app");
    expect(prefixed.resolveId("images")).toBe("images");
    expect(whole.prefix).toBe("");
    expect(whole.routeName("team/app")).toBe("team/app");
    expect(whole.resolveId("team/app")).toBe("team/app");
    expect(createAcrNames({ loginServer, repositoryPrefix: "" }, []).routeName("app")).toBe("app");
  });

  test("that do not fit carry a hash, with and without a prefix", () => {
    expect(prefixed.routeName("Team App")).toMatch(/^images\/team-app-[a-z2-7]{20}$/);
    expect(whole.routeName("prj_ABC")).not.toBe(whole.routeName("prj_abc"));
    expect(whole.routeName("prj_abc")).toBe("prj_abc");
  });

  const foreign = [
    "vendor.azurecr.io",
    "other.azurecr.io/my-app",
    "other-a1b2c3.azurecr.cn/my-app",
    "vendor.westeurope.data.azurecr.us/my-app",
    "builds/my-app",
    "builds",
    "../my-app",
    "https://vendor.azurecr.io/my-app",
  ];
  test.each(foreign)("%s is not ours, as an id and as a name", async (id) => {
    for (const names of [prefixed, whole, createAcrNames({}, [{ prefix: "builds", separator: "/" }])]) {
      expect(await errorOf(() => names.resolveId(id))).toMatchObject({
        code: "INVALID_INPUT",
        context: { field: "repoId" },
      });
      expect(await errorOf(() => names.routeName(id))).toMatchObject({
        code: "INVALID_INPUT",
        context: { field: "name" },
      });
    }
  });
});

foreignNameTests("Azure Container Registry, with a prefix", prefixed, {
  read: [
    ["vendor.azurecr.io/images/team/app", "images/team/app"],
    ["VENDOR.AzureCR.io/images/app", "images/app"],
    ["vendor.azurecr.io/images", "images"],
  ],
  refused: [
    "vendor.azurecr.io/app",
    "vendor.azurecr.io/builds/app",
    "vendor.azurecr.cn/images/app",
    "vendor.westeurope.geo.azurecr.io/images/app",
    "vendor.azurecr.io:443/images/app",
    // A resource, but not one of a repository.
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/vendor",
  ],
});

foreignNameTests("Azure Container Registry, the whole of it", whole, {
  read: [["vendor.azurecr.io/team/app", "team/app"]],
  refused: ["vendor.azurecr.io/builds/app", "vendor.azurecr.io/Team/app", "vendor.azurecr.io/gcr.io/app"],
});

foreignNameTests(
  "Azure Container Registry, at a host of its own",
  createAcrNames({ loginServer: "registry.vendor.example" }, []),
  {
    read: [["Registry.vendor.example/my-app", "my-app"]],
    // Which registry has this login server is not known here.
    refused: ["registry.vendor.example", "vendor.azurecr.io/my-app"],
  },
);

foreignNameTests("Azure Container Registry, whose login server is not bound", createAcrNames({}, []), {
  read: [],
  refused: ["vendor.azurecr.io/my-app"],
});

const repository = fc
  .oneof(
    fc.stringMatching(/^[a-z0-9]{1,4}$/),
    fc.stringMatching(/^[a-c](?:[._/-][a-c]{1,2}){0,4}$/),
    fc.stringMatching(/^[a-c]{40,60}$/),
  )
  .map((name) => name as RoutableName);
const hashedOnce = repository.map((name) => scopeMapName(name) as RoutableName);
const anyRepository = fc.oneof(repository, hashedOnce).filter((name) => ociGrammar.pattern.test(name));

describe("names of scope maps", () => {
  test.each([
    ["images", "images"],
    ["my_app-1", "my_app-1"],
    ["a".repeat(50), "a".repeat(50)],
  ])("%s fits as it is", (name, scopeMap) => expect(scopeMapName(name as RoutableName)).toBe(scopeMap));

  test.each(["app", "team/app", "my.app", "a".repeat(51), "app-abcdefghijklmnopqrst"])("%s carries a hash", (name) => {
    expect(scopeMapName(name as RoutableName)).toMatch(/-[a-z2-7]{20}$/);
    expect(scopeMapName(name as RoutableName)).not.toBe(name);
  });

  test("are what Azure takes", () => {
    fc.assert(
      fc.property(anyRepository, (name) => {
        expect(scopeMapName(name)).toMatch(/^[a-zA-Z0-9-_]{5,50}$/);
      }),
    );
  });

  test("no two repositories share one", () => {
    fc.assert(
      fc.property(fc.uniqueArray(anyRepository, { minLength: 2, maxLength: 30 }), (names) => {
        expect(new Set(names.map(scopeMapName)).size).toBe(names.length);
      }),
    );
  });
});
