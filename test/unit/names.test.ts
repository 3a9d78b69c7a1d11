import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ArtifactRegistryError } from "../../core/errors.ts";
import {
  fitName,
  type NameGrammar,
  type NameSpace,
  ociGrammar,
  overlappingPrefixes,
  resolveRepositoryId,
  routeLogicalName,
} from "../../core/names.ts";
import { refusalOf } from "../support/inputs.ts";

// Amazon ECR, CreateRepository: single separators, 2 to 256 characters.
const ecrGrammar: NameGrammar = {
  pattern: /^(?:[a-z0-9]+(?:[._-][a-z0-9]+)*\/)*[a-z0-9]+(?:[._-][a-z0-9]+)*$/,
  maxLength: 256,
  nested: true,
};
const flatGrammar: NameGrammar = { pattern: /^[a-z0-9]+(?:-[a-z0-9]+)*$/, maxLength: 50, nested: false };

const oci: NameSpace = { prefix: "images", separator: "/", grammar: ociGrammar, hosts: ["registry.example:5050"] };
const spaces: readonly (readonly [string, NameSpace])[] = [
  ["OCI, nested", oci],
  ["ECR, dash prefix", { prefix: "images", separator: "-", grammar: ecrGrammar }],
  ["flat, at most 50", { prefix: "img", separator: "-", grammar: flatGrammar }],
  ["without a prefix", { prefix: "", separator: "/", grammar: ociGrammar }],
  [
    "without a prefix, beside others",
    { prefix: "", separator: "/", grammar: ociGrammar, others: [{ prefix: "team", separator: "/" }] },
  ],
  ["without a prefix, at a host of one word", { prefix: "", separator: "/", grammar: ociGrammar, hosts: ["team"] }],
  ["a deep prefix", { prefix: "project/garrepo", separator: "/", grammar: ociGrammar }],
];

const likelyCharacters = [..."abcAZ019-_./ \\:@é한🦊", "--", "__", "images", "team", "img", "..", "İ", "K", "ß"];
const likelyName = fc
  .array(fc.constantFrom(...likelyCharacters), { minLength: 1, maxLength: 24 })
  .map((x) => x.join(""));
const hashLike = fc
  .tuple(
    likelyName,
    fc.string({ unit: fc.constantFrom(..."abcdefghijklmnopqrstuvwxyz234567"), minLength: 20, maxLength: 20 }),
  )
  .map(([front, tail]) => `${front}-${tail}`);
const longName = fc.tuple(likelyName, fc.integer({ min: 1, max: 60 })).map(([text, times]) => text.repeat(times));
const anyName = fc.oneof(
  likelyName,
  hashLike,
  longName,
  fc.string({ unit: "binary", minLength: 1, maxLength: 256 }),
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 100 }),
);
const twins: readonly ((name: string) => string)[] = [
  (name) => name.toUpperCase(),
  (name) => name.toLowerCase(),
  (name) => name.replace(/[-_./]/g, "-"),
  (name) => name.replace(/[-_./]/g, "_"),
  (name) => `${name}-`,
  (name) => `${name}x`,
  (name) => `${name} `,
  (name) => name.normalize("NFD"),
  (name) => name.slice(0, -1),
  (name) => name.replaceAll("/", "//"),
];
const pair = fc.oneof(
  fc.tuple(anyName, anyName),
  fc.tuple(anyName, fc.constantFrom(...twins)).map(([name, twin]): [string, string] => [name, twin(name)]),
);

/** The routable name, or undefined where creating it is refused as it should be. */
function routed(name: string, space: NameSpace): string | undefined {
  return accepted(() => routeLogicalName(name, space));
}

function accepted(run: () => string): string | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof ArtifactRegistryError && error.code === "INVALID_INPUT") return undefined;
    throw error;
  }
}

describe.each(spaces)("names in a space: %s", (_title, space) => {
  const front = space.prefix === "" ? "" : space.prefix + space.separator;

  test("two logical names never share a repository", () => {
    fc.assert(
      fc.property(pair, ([one, other]) => {
        fc.pre(one !== other);
        const name = routed(one, space);
        if (name !== undefined) expect(routed(other, space)).not.toBe(name);
      }),
      { numRuns: 2_000 },
    );
  });

  test("what was routed looks like nobody else's: neither does routing the routed name again", () => {
    fc.assert(
      fc.property(anyName, (name) => {
        const once = routed(name, space);
        if (once === undefined || once === name) return;
        const fitted = once.slice(front.length);
        if (fitted !== name) expect(routed(fitted, space)).not.toBe(once);
      }),
    );
  });

  test("a routed name fits the grammar, its length and its own space", () => {
    fc.assert(
      fc.property(anyName, (name) => {
        const result = routed(name, space);
        if (result === undefined) return;
        expect(result).toMatch(space.grammar.pattern);
        expect(result.length).toBeLessThanOrEqual(space.grammar.maxLength);
        expect(result.startsWith(front)).toBe(true);
        for (const { prefix, separator } of space.others ?? []) {
          expect(result === prefix || result.startsWith(prefix + separator)).toBe(false);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test("an id read once reads the same ever after, and means what create made", () => {
    fc.assert(
      fc.property(anyName, (name) => {
        const result = routed(name, space);
        if (result === undefined) return;
        expect(resolveRepositoryId(result, space)).toBe(result);
        expect(resolveRepositoryId(name, space)).toBe(result);
      }),
      { numRuns: 1_000 },
    );
  });

  test("whatever is read as an id lies in the space and is legal", () => {
    fc.assert(
      fc.property(anyName, (id) => {
        const result = accepted(() => resolveRepositoryId(id, space));
        if (result === undefined) return;
        expect(result === space.prefix || result.startsWith(front)).toBe(true);
        expect(result).toMatch(space.grammar.pattern);
        expect(result.length).toBeLessThanOrEqual(space.grammar.maxLength);
      }),
      { numRuns: 1_000 },
    );
  });

  test("a well-formed name without hostile parts is refused only where it is ambiguous", () => {
    const harmless = fc.string({ unit: fc.constantFrom(..."abcXYZ019_-é🦊 "), minLength: 1, maxLength: 256 });
    fc.assert(
      fc.property(harmless, (name) => {
        fc.pre(!/^(?:images|img|team)/i.test(name));
        // Without a prefix a name that looks hashed is an id already.
        fc.pre(!/-[a-z2-7]{20}$/.test(name));
        expect(routed(name, space)).toBeDefined();
      }),
    );
  });
});

describe("logical names", () => {
  test.each([
    ["my-app", "images/my-app"],
    ["team/app", "images/team/app"],
    ["a.b_c__d---e", "images/a.b_c__d---e"],
    ["x".repeat(248), `images/${"x".repeat(248)}`],
  ])("%s fits and stays unchanged", (name, expected) => {
    expect(routeLogicalName(name, oci)).toBe(expected);
  });

  test.each([
    ["prj_ABC", /^images\/prj-abc-[a-z2-7]{20}$/],
    ["My App", /^images\/my-app-[a-z2-7]{20}$/],
    ["Team//App", /^images\/team\/app-[a-z2-7]{20}$/],
    ["日本", /^images\/r-[a-z2-7]{20}$/],
    ["---", /^images\/r-[a-z2-7]{20}$/],
    ["x".repeat(249), /^images\/x{227}-[a-z2-7]{20}$/],
    ["a-abcdefghijklmnopqrst", /^images\/a-abcdefghijklmnopqrst-[a-z2-7]{20}$/],
  ])("%s is changed and carries a hash", (name, expected) => {
    expect(routeLogicalName(name, oci)).toMatch(expected);
  });

  test("the hash never changes: repositories that exist must be found again", () => {
    expect(fitName("prj_ABC", ociGrammar)).toBe("prj-abc-bhbbspjhqp624p2bgixe");
  });

  test("names that differ only in case or separators are different tenants", () => {
    const names = ["prj_abc", "prj_ABC", "PRJ_ABC", "prj-abc", "prj.abc", "prj/abc", "prj abc", "prj_abc ", "prj__abc"];
    expect(new Set(names.map((name) => routeLogicalName(name, oci))).size).toBe(names.length);
  });

  test("a name that looks hashed never takes the repository of the name with that hash", () => {
    const victim = routeLogicalName("prj_ABC", oci);
    const lookalike = victim.slice("images/".length);
    expect(routeLogicalName(lookalike, oci)).not.toBe(victim);
  });

  test("team and team/app are two repositories", () => {
    expect(routeLogicalName("team", oci)).not.toBe(routeLogicalName("team/app", oci));
  });
});

test("a prefix that leaves no room is said, never overrun", async () => {
  const space: NameSpace = { prefix: "x".repeat(240), separator: "/", grammar: ociGrammar };
  expect(routeLogicalName("app", space)).toHaveLength(244);
  expect(await refusalOf(() => routeLogicalName("App", space))).toEqual({ code: "INVALID_INPUT", field: "name" });
  expect(await refusalOf(() => resolveRepositoryId("App", space))).toEqual({ code: "INVALID_INPUT", field: "repoId" });
});

describe("the prefix rule", () => {
  const dash: NameSpace = { prefix: "images", separator: "-", grammar: ecrGrammar };

  test("the bare prefix is an id, not a name to create", async () => {
    expect(resolveRepositoryId("images", dash)).toBe("images");
    expect(resolveRepositoryId("images", oci)).toBe("images");
    expect(await refusalOf(() => routeLogicalName("images", dash))).toEqual({ code: "INVALID_INPUT", field: "name" });
  });

  test("a name that means another repository as an id is refused", async () => {
    expect(resolveRepositoryId("images-foo", dash)).toBe("images-foo");
    expect(await refusalOf(() => routeLogicalName("images-foo", dash))).toEqual({
      code: "INVALID_INPUT",
      field: "name",
    });
  });

  test("a name that only begins with the same letters is a name", () => {
    expect(routeLogicalName("imagesfoo", dash)).toBe("images-imagesfoo");
    expect(resolveRepositoryId("imagesfoo", dash)).toBe("images-imagesfoo");
    expect(routeLogicalName("images/foo", dash)).toBe("images-images/foo");
    expect(routeLogicalName("images-foo", oci)).toBe("images/images-foo");
  });

  test.each(["images/", "images//a", "images/A", "images/a:tag", "images/a@sha256:00", `images/${"x".repeat(249)}`])(
    "%s begins with the prefix but is not legal",
    async (id) => {
      expect(await refusalOf(() => resolveRepositoryId(id, oci))).toEqual({ code: "INVALID_INPUT", field: "repoId" });
    },
  );
});

describe("hostile ids", () => {
  const space: NameSpace = {
    ...oci,
    others: [
      { prefix: "secret", separator: "/" },
      { prefix: "dash", separator: "-" },
    ],
  };

  test.each([
    "..",
    ".",
    "../other",
    "./app",
    "a/../b",
    "a/./b",
    "a/..",
    "images/../secret/app",
    "images/..",
    "..\\other",
    "a\\..\\b",
    "/etc/passwd",
    "//evil.example/app",
    "\\\\server\\share",
    "https://registry.example/images/app",
    "HTTPS://evil.example/x",
    "docker://images/app",
    "file:///etc/passwd",
    "secret",
    "secret/app",
    "dash",
    "dash-app",
    "lone \ud800 surrogate",
    "images/\udc00",
  ])("%j is refused, as an id and as a name", async (id) => {
    expect(await refusalOf(() => resolveRepositoryId(id, space))).toEqual({ code: "INVALID_INPUT", field: "repoId" });
    expect(await refusalOf(() => routeLogicalName(id, space))).toEqual({ code: "INVALID_INPUT", field: "name" });
  });

  test.each(["secretary", "secret-app", "dash/app", "a..b", "...", "a\\b", "%2e%2e/x"])(
    "%j is odd but harmless, and stays inside",
    (id) => {
      expect(resolveRepositoryId(id, space)).toMatch(/^images\//);
    },
  );

  test("a name that is mapped never lands in another registry's space", async () => {
    const whole: NameSpace = {
      prefix: "",
      separator: "/",
      grammar: ociGrammar,
      others: [{ prefix: "secret", separator: "/" }],
    };
    for (const name of ["Secret/app", "secret /app", "SECRET//app", "secret./app"]) {
      expect(await refusalOf(() => routeLogicalName(name, whole))).toEqual({ code: "INVALID_INPUT", field: "name" });
      expect(await refusalOf(() => resolveRepositoryId(name, whole))).toEqual({
        code: "INVALID_INPUT",
        field: "repoId",
      });
    }
    expect(routeLogicalName("Secret", whole)).toMatch(/^secret-[a-z2-7]{20}$/);
  });

  test("a message shows little of a long id", () => {
    const message = refused(() => resolveRepositoryId(`/${"x".repeat(5_000)}`, oci));
    expect(message.length).toBeLessThan(200);
  });
});

describe("overlapping prefixes", () => {
  test.each([
    ["equal", ["images", "images"]],
    ["extended by -", ["images", "images-eu"]],
    ["extended by /", ["images/eu", "images"]],
    ["both empty", ["", ""]],
  ])("%s: refused", (_title, [a = "", b = ""]) => {
    const pairs = new Map([
      ["one", a],
      ["two", b],
    ]);
    expect(overlappingPrefixes(pairs)?.toSorted()).toEqual(["one", "two"]);
  });

  test.each([[["images", "imageseu"]], [["images", "builds"]], [["images-eu", "images-us"]], [["images"]], [[]]])(
    "%j: apart",
    (prefixes) => {
      expect(overlappingPrefixes(new Map(prefixes.map((prefix, index) => [String(index), prefix])))).toBeUndefined();
    },
  );
});

function refused(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof ArtifactRegistryError) return error.message;
  }
  throw new Error("Nothing was thrown.");
}
