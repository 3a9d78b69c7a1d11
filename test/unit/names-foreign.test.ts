import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ArtifactRegistryError } from "../../core/errors.ts";
import { fitName, type NameSpace, ociGrammar, resolveRepositoryId, routeLogicalName } from "../../core/names.ts";
import { errorOf, refusalOf } from "../support/inputs.ts";
import { anyForeignForm, anyUnder, foreignForms, plainNames } from "../support/name-forms.ts";

const host = "registry.vendor.example:5050";
const prefixed: NameSpace = { prefix: "images", separator: "/", grammar: ociGrammar, hosts: [host] };
const spaces: readonly (readonly [string, NameSpace])[] = [
  ["under a prefix", prefixed],
  ["under a prefix with a dash", { ...prefixed, separator: "-" }],
  ["without a prefix", { ...prefixed, prefix: "" }],
  ["without a prefix or a known host", { prefix: "", separator: "/", grammar: ociGrammar }],
];
const asName = { code: "INVALID_INPUT", field: "name" };
const asId = { code: "INVALID_INPUT", field: "repoId" };

describe.each(spaces)("what is no name, %s", (_title, space) => {
  const front = space.prefix === "" ? "" : space.prefix + space.separator;

  test.each(foreignForms)("%j is neither a name nor an id", async (form) => {
    expect(await refusalOf(() => routeLogicalName(form, space))).toEqual(asName);
    expect(await refusalOf(() => resolveRepositoryId(form, space))).toEqual(asId);
  });

  test.each(plainNames)("%j is a name, and maps as any other", (name) => {
    const routable = front + fitName(name, space.grammar, space.grammar.maxLength - front.length);
    expect(routeLogicalName(name, space)).toBe(routable);
    expect(resolveRepositoryId(name, space)).toBe(routable);
  });

  test("no such form ever becomes the name of a repository", async () => {
    await fc.assert(
      fc.asyncProperty(anyForeignForm, async (form) => {
        expect(await refusalOf(() => routeLogicalName(form, space))).toEqual(asName);
        expect(await refusalOf(() => resolveRepositoryId(form, space))).toEqual(asId);
      }),
      { numRuns: 2_000 },
    );
  });

  test("every name without a colon and without a host maps as it always did, and no two share a repository", () => {
    const characters = fc.constantFrom(..."abAZ09-_. é日🦊@+%");
    const names = fc
      .string({ unit: characters, minLength: 1, maxLength: 40 })
      .filter((name) => !/^\.{1,2}$/.test(name));
    const legal = fc.tuple(fc.constantFrom("", "team/", "a.b/", "ghcr.io/"), names).map((parts) => parts.join(""));
    const plain = legal.filter((name) => !/(?:^|\/)\.{1,2}$|^images|^registry|-[a-z2-7]{20}$/.test(name));
    fc.assert(
      fc.property(plain, plain, (one, other) => {
        const routable = routeLogicalName(one, space);
        expect(routable).toBe(front + fitName(one, space.grammar, space.grammar.maxLength - front.length));
        if (one !== other) expect(routeLogicalName(other, space)).not.toBe(routable);
      }),
      { numRuns: 2_000 },
    );
  });

  test("a hint says what to write for a name", async () => {
    for (const [form, hint] of [
      ["my-app:1.0", /without the tag/],
      ["my-app@sha256:abc", /without the digest/],
      ["gcr.io/a/my-app", /without the host/],
      ["https://x/my-app", /name alone/],
      ["arn:aws:ecr:us-east-1:999988887777:repository/my-app", /name alone/],
      ["/subscriptions/x", /name alone/],
    ] as const) {
      expect((await errorOf(() => routeLogicalName(form, space))).hint).toMatch(hint);
    }
  });
});

describe("the registry's own host", () => {
  test.each([
    [prefixed, `${host}/images/app`, "images/app"],
    [prefixed, `${host.toUpperCase()}/images/team/app`, "images/team/app"],
    [prefixed, `${host}/images`, "images"],
    [{ ...prefixed, prefix: "" }, `${host}/team/app`, "team/app"],
    [{ ...prefixed, hosts: ["one.example", "two.example"] }, "Two.example/images/app", "images/app"],
    // A registry within a cluster may have a host without a dot.
    [{ ...prefixed, hosts: ["registry"] }, "registry/images/app", "images/app"],
  ])("a repository under it is read as its id: %#", async (space, id, name) => {
    expect(resolveRepositoryId(id, space)).toBe(name);
    expect(await refusalOf(() => routeLogicalName(id, space))).toEqual(asName);
  });

  test.each([
    `${host}/images/app:1.0`,
    `${host}/images/app@sha256:abc`,
    `${host}/images/App`,
    `${host}/images/`,
    `${host}/app`,
    `${host}/imagesapp`,
    `${host}/`,
    host,
    `${host}/secret/app`,
    `${host}/${host}/images/app`,
    `https://${host}/images/app`,
    "registry.vendor.example/images/app",
    "registry.vendor.example",
    "registry.vendor.example:443/images/app",
    "registry.vendor.example./images/app",
  ])("%j is not a repository of this registry", async (id) => {
    const space: NameSpace = { ...prefixed, others: [{ prefix: "secret", separator: "/" }] };
    expect(await refusalOf(() => resolveRepositoryId(id, space))).toEqual(asId);
    expect(await refusalOf(() => routeLogicalName(id, space))).toEqual(asName);
  });

  test("without a prefix, neither another registry's repository nor a reference is read under it", async () => {
    const space: NameSpace = { ...prefixed, prefix: "", others: [{ prefix: "secret", separator: "/" }] };
    for (const path of ["secret", "secret/app", "gcr.io/app", "App", "a//b", "", "app:1.0"]) {
      expect(await refusalOf(() => resolveRepositoryId(`${host}/${path}`, space))).toEqual(asId);
    }
  });

  test("is never a part of a name", async () => {
    await fc.assert(
      fc.asyncProperty(anyUnder(host), async (form) => {
        expect(await refusalOf(() => routeLogicalName(form, prefixed))).toEqual(asName);
        expect(accepted(() => resolveRepositoryId(form, prefixed)) ?? "images").toMatch(/^images(?:\/|$)/);
      }),
    );
  });

  test("that is also how the prefix begins: an id is what it says, and a URI is its repository's", async () => {
    const space: NameSpace = { ...prefixed, prefix: "mirror.example", hosts: ["mirror.example"] };
    const name = routeLogicalName("app", space);
    expect(name).toBe("mirror.example/app");
    expect(resolveRepositoryId(name, space)).toBe(name);
    expect(resolveRepositoryId(`mirror.example/${name}`, space)).toBe(name);
    expect(await refusalOf(() => routeLogicalName("mirror.example/app", space))).toEqual(asName);
  });

  test("a prefix that looks like another registry's host is the registry's own space", () => {
    const space: NameSpace = { ...prefixed, prefix: "gcr.io/mirror" };
    expect(routeLogicalName("app", space)).toBe("gcr.io/mirror/app");
    expect(resolveRepositoryId("gcr.io/mirror/app", space)).toBe("gcr.io/mirror/app");
    expect(resolveRepositoryId(`${host}/gcr.io/mirror/app`, space)).toBe("gcr.io/mirror/app");
  });
});

test("a name that is mapped never becomes what is no name", async () => {
  const space: NameSpace = { ...prefixed, prefix: "", hosts: ["registry"] };
  for (const name of ["Registry /app", "registry!/app", "REGISTRY//app "]) {
    expect(await refusalOf(() => routeLogicalName(name, space))).toEqual(asName);
  }
  expect(routeLogicalName("Registry!", space)).toMatch(/^registry-[a-z2-7]{20}$/);
});

test("a resource that the platform knows as its own is read, when what it names is a legal id", async () => {
  const front = "arn:aws:ecr:us-east-1:111122223333:repository/";
  const readResource = (id: string) => (id.startsWith(front) ? id.slice(front.length) : undefined);
  const space: NameSpace = { ...prefixed, readResource };
  expect(resolveRepositoryId(`${front}images/app`, space)).toBe("images/app");
  expect(await refusalOf(() => routeLogicalName(`${front}images/app`, space))).toEqual(asName);
  for (const rest of ["", "app", "images/App", "images/app:1.0", "images/app@sha256:abc", "images/../x"]) {
    expect(await refusalOf(() => resolveRepositoryId(front + rest, space))).toEqual(asId);
  }
});

test("an id that is elsewhere by the platform's own rule is neither mapped nor created", async () => {
  const space: NameSpace = { ...prefixed, elsewhere: [/^other\//] };
  expect(await refusalOf(() => resolveRepositoryId("other/app", space))).toEqual(asId);
  expect(await refusalOf(() => routeLogicalName("other/app", space))).toEqual(asName);
  expect(resolveRepositoryId("others/app", space)).toBe("images/others/app");
});

function accepted(run: () => string): string | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof ArtifactRegistryError && error.code === "INVALID_INPUT") return undefined;
    throw error;
  }
}
