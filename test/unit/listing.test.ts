import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ArtifactRegistryError } from "../../core/errors.ts";
import type { OperationName } from "../../core/operations.ts";
import { passingPageKey, readPageKey } from "../../core/pages.ts";
import type { Rule } from "../../core/rules.ts";
import { caller, createSuite, now, type SuiteOptions } from "../support/application.ts";
import { allowAll, errorOf, goodInputs } from "../support/inputs.ts";

const newKey = () => randomBytes(32).toString("base64");
const key = newKey();
const names = Array.from({ length: 25 }, (_, each) => `images/${each % 5 === 0 ? "mine" : "other"}-${each}`);
const mine = names.filter((name) => name.startsWith("images/mine"));
const lists = ["listRepositories", "listImages", "listGranteeAccess", "removeGranteeAccess"] as const;

interface Listed {
  readonly repositories?: readonly { readonly name?: string; readonly repoId?: string }[];
  readonly images?: readonly { readonly tags: readonly string[] }[];
  readonly changed?: readonly string[];
  readonly nextPageToken?: string;
}

const suiteOf = ({ ALIEN_PAGE_KEY = key, ...options }: SuiteOptions & { ALIEN_PAGE_KEY?: string } = {}) =>
  createSuite({ fake: { repositories: names }, pages: readPageKey({ ALIEN_PAGE_KEY }), ...options });

async function ask(suite: ReturnType<typeof suiteOf>, name: OperationName, more: object = {}, as = caller) {
  const input = { ...goodInputs[name], ...more };
  const answer = await suite.application.run({ operation: name, input: () => input, evidence: { platformCaller: as } });
  if (!answer.ok) throw answer.error;
  return answer.output as Listed;
}

const namesOf = ({ repositories = [], images = [], changed = [] }: Listed) => [
  ...repositories.map(({ name, repoId }) => name ?? repoId ?? ""),
  ...images.flatMap(({ tags }) => tags),
  ...changed,
];

/** Reads a list to its end. */
async function all(suite: ReturnType<typeof suiteOf>, name: OperationName, more: object = {}) {
  const pages: string[][] = [];
  for (let pageToken: string | undefined; ; ) {
    const page = await ask(suite, name, { ...more, ...(pageToken !== undefined && { pageToken }) });
    pages.push(namesOf(page));
    pageToken = page.nextPageToken;
    if (pageToken === undefined) return pages;
  }
}

test("a list goes on from page to page, and ends where there is no token", async () => {
  for (const name of ["listRepositories", "listImages"] as const) {
    const pages = await all(suiteOf(), name, { pageSize: 10 });
    expect(pages.map(({ length }) => length)).toEqual([10, 10, 5]);
    expect(pages.flat()).toEqual(names);
  }
});

test("what the caller's rules for this operation do not cover is on no page, and the rest is there once", async () => {
  const rules: Rule[] = [
    { ...allowAll("aws"), operations: ["list*"], repositories: ["images/mine-*"] },
    { ...allowAll("aws"), operations: ["getRepository"] },
  ];
  for (const name of ["listRepositories", "listGranteeAccess"] as const) {
    for (const pageSize of [1, 3, 100]) {
      const suite = suiteOf({ rules });
      expect((await all(suite, name, name === "listRepositories" ? { pageSize } : {})).flat()).toEqual(mine);
      expect(JSON.stringify(suite.audit)).not.toContain("images/other");
    }
  }
});

test("what is no repository of this registry is never listed, whatever the platform says", async () => {
  const foreign = ["other/app", "imagesx/app", "images/../app", "Images/app", "images", "images/a"];
  for (const name of ["listRepositories", "listGranteeAccess"] as const) {
    const suite = suiteOf({ fake: { repositories: foreign } });
    expect((await all(suite, name)).flat()).toEqual(["images", "images/a"]);
  }
});

test("pages of which the caller may see nothing are skipped, ten at a time", async () => {
  const suite = suiteOf({ rules: [{ ...allowAll("aws"), repositories: ["images/mine-20"] }] });
  const pages = await all(suite, "listRepositories", { pageSize: 1 });
  expect(pages).toEqual([[], [], ["images/mine-20"], []]);
  expect(suite.registry.recorded).toHaveLength(names.length);
});

test("a token holds no name, and is another one each time", async () => {
  const tokens = await Promise.all(
    [1, 2].map(async () => (await ask(suiteOf(), "listRepositories", { pageSize: 1 })).nextPageToken ?? ""),
  );
  expect(new Set(tokens).size).toBe(2);
  for (const token of tokens) expect(Buffer.from(token, "base64url").toString("latin1")).not.toContain("mine");
});

test("a token is good for one list: operation, registry, caller, and what else the list is about", async () => {
  const suite = suiteOf();
  const { nextPageToken: pageToken = "" } = await ask(suite, "listImages", { pageSize: 1 });
  expect(namesOf(await ask(suite, "listImages", { pageSize: 2, pageToken }))).toEqual(names.slice(1, 3));
  const calls = suite.registry.recorded.length;
  const sameRepository = await ask(suite, "listImages", { pageToken, repoId: "my-app", pageSize: 1 });
  expect(namesOf(sameRepository)).toEqual([names[1]]);
  const other = { ...caller, subject: `${caller.subject}2` };
  const [first = "", last = ""] = [pageToken.slice(0, 1), pageToken.slice(1)];
  for (const [name, more, as] of [
    ["listRepositories", { pageToken }, caller],
    ["listImages", { pageToken, repoId: "images/other" }, caller],
    ["listImages", { pageToken }, other],
    ["listImages", { pageToken: `${first === "A" ? "B" : "A"}${last}` }, caller],
    ["listImages", { pageToken: `${pageToken}AA` }, caller],
    ["listImages", { pageToken: pageToken.slice(0, 20) }, caller],
    ["listImages", { pageToken: "AAAA" }, caller],
  ] as const) {
    const error = await errorOf(() => ask(suite, name, more, as));
    expect(error).toMatchObject({ code: "INVALID_INPUT", retryable: false, context: { field: "pageToken" } });
    expect(error.hint).toMatch(/anew/);
  }
  expect(suite.registry.recorded.length).toBe(calls + 1);
  const consumer = "aws:999999999999";
  for (const name of ["listGranteeAccess", "removeGranteeAccess"] as const) {
    const many = suiteOf({ fake: { repositories: Array.from({ length: 101 }, (_, each) => `images/${each}`) } });
    const { nextPageToken: token } = await ask(many, name);
    expect(namesOf(await ask(many, name, { pageToken: token }))).toEqual(["images/100"]);
    const error = await errorOf(() => ask(many, name, { pageToken: token, grantee: consumer }));
    expect([error.code, error.context]).toEqual(["INVALID_INPUT", { field: "pageToken" }]);
  }
});

test("no change of a token leaves it good, and nothing that is made up ever is", async () => {
  const suite = suiteOf();
  const { nextPageToken: token = "" } = await ask(suite, "listRepositories", { pageSize: 1 });
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const texts = fc.oneof(
    fc
      .tuple(fc.nat(token.length - 1), fc.nat(63))
      .map(([place, letter]) => token.slice(0, place) + alphabet.charAt(letter) + token.slice(place + 1)),
    fc.tuple(fc.nat(token.length), fc.nat(token.length)).map(([from, to]) => token.slice(from, to)),
    fc.string({ unit: fc.constantFrom(...alphabet), minLength: 1, maxLength: 200 }),
    fc.string({ minLength: 1, maxLength: 50 }),
  );
  const calls = suite.registry.recorded.length;
  await fc.assert(
    fc.asyncProperty(
      texts.filter((text) => text !== token),
      async (pageToken) => {
        const error = await errorOf(() => ask(suite, "listRepositories", { pageToken }));
        expect([error.code, error.context]).toEqual(["INVALID_INPUT", { field: "pageToken" }]);
      },
    ),
    { numRuns: 500 },
  );
  expect(suite.registry.recorded.length).toBe(calls);
});

test("whatever is no consumer's literal name is refused, and so is what is no page size", async () => {
  const suite = suiteOf();
  const good = [
    "aws:123456789012",
    "aws:arn:aws:iam::123456789012:role/x",
    "gcp:123456789",
    "gcp:a@p.iam.gserviceaccount.com",
  ];
  const wild = fc
    .tuple(fc.constantFrom(...good), fc.nat(40), fc.constantFrom("*", "?", " ", "\n", "\u0000"))
    .map(([name, place, letter]) => name.slice(0, place) + letter + name.slice(place));
  const refused = async (name: OperationName, more: object, field: string) => {
    const error = await errorOf(() => ask(suite, name, more));
    expect([error.code, error.context]).toEqual(["INVALID_INPUT", { field }]);
  };
  await fc.assert(
    fc.asyncProperty(
      wild,
      fc.oneof(
        fc.double().filter((each) => !(Number.isInteger(each) && each >= 1 && each <= 1_000)),
        fc.integer({ max: 0 }),
      ),
      async (grantee, pageSize) => {
        await refused("removeGranteeAccess", { grantee }, "grantee");
        await refused("listGranteeAccess", { grantee }, "grantee");
        await refused("listRepositories", { pageSize }, "pageSize");
      },
    ),
    { numRuns: 300 },
  );
  expect(suite.registry.recorded).toEqual([]);
});

test("a token is good for an hour", async () => {
  const { nextPageToken: pageToken } = await ask(suiteOf(), "listRepositories", { pageSize: 1 });
  const later = (seconds: number) => suiteOf({ now: () => new Date(now.getTime() + seconds * 1_000) });
  expect(namesOf(await ask(later(3_599), "listRepositories", { pageSize: 1, pageToken }))).toEqual([names[1]]);
  const error = await errorOf(() => ask(later(3_600), "listRepositories", { pageSize: 1, pageToken }));
  expect([error.code, error.message]).toEqual(["INVALID_INPUT", "The page token is older than an hour."]);
});

test("a key is rotated while lists are read", async () => {
  const after = newKey();
  const both = `${after}, ${key}`;
  const { nextPageToken: old } = await ask(suiteOf(), "listRepositories", { pageSize: 1 });
  const page = await ask(suiteOf({ ALIEN_PAGE_KEY: both }), "listRepositories", { pageSize: 1, pageToken: old });
  const pageToken = page.nextPageToken;
  expect(namesOf(page)).toEqual([names[1]]);
  const alone = suiteOf({ ALIEN_PAGE_KEY: after });
  expect(namesOf(await ask(alone, "listRepositories", { pageSize: 1, pageToken }))).toEqual([names[2]]);
  expect((await errorOf(() => ask(alone, "listRepositories", { pageToken: old }))).code).toBe("INVALID_INPUT");
});

test("without a key a list is one page, and describeRegistry says so", async () => {
  for (const ALIEN_PAGE_KEY of ["", key]) {
    const suite = suiteOf({ ALIEN_PAGE_KEY });
    expect(await ask(suite, "describeRegistry")).toMatchObject({ capabilities: { paging: ALIEN_PAGE_KEY !== "" } });
  }
  const suite = suiteOf({ ALIEN_PAGE_KEY: "" });
  expect(await all(suite, "listRepositories", { pageSize: 10 })).toEqual([names.slice(0, 10)]);
  const { nextPageToken: pageToken } = await ask(suiteOf(), "listRepositories", { pageSize: 1 });
  const error = await errorOf(() => ask(suite, "listRepositories", { pageToken }));
  expect([error.code, error.hint]).toEqual(["INVALID_INPUT", expect.stringContaining("ALIEN_PAGE_KEY")]);
});

test.each<[title: string, key: string]>([
  ["too short", "short"],
  ["of 31 bytes", randomBytes(31).toString("base64")],
  ["with nothing behind its comma", `${key},`],
  ["and another that is none", `${key},short`],
  ["of which there are three", `${key},${key},${key}`],
  ["with something before it", `x${key}`],
  ["with something behind it", `${key}x`],
  ["of which two are not kept apart", `${key} ${key}`],
])("a key %s is refused", async (_title, ALIEN_PAGE_KEY) => {
  const error = await errorOf(() => readPageKey({ ALIEN_PAGE_KEY }));
  expect([error.code, error.context]).toEqual(["BINDING_CONFIG_INVALID", { variable: "ALIEN_PAGE_KEY" }]);
  expect(JSON.stringify(error.toWire("r"))).not.toContain(key.slice(0, 20));
});

test("a cursor comes back as it was, whatever it holds, from a key with or without its last sign", () => {
  const keys = [readPageKey({ ALIEN_PAGE_KEY: key.replace("=", "") }), passingPageKey()];
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (cursor) => {
      for (const pages of keys) {
        const token = pages.seal(cursor, ["a list"], now) ?? "";
        expect(pages.open(token, ["a list"], now)).toBe(cursor);
        expect(() => pages.open(token, ["another"], now)).toThrow();
      }
    }),
    { numRuns: 100 },
  );
  expect(keys.map(({ lasting }) => lasting)).toEqual([true, true]);
});

test("an alias may stand before a name, as on ECR Public, and a mistake of ours is not taken for a foreign name", async () => {
  const suite = suiteOf({ fake: { repositories: ["alias/images-a", "alias-images-a"] } });
  Object.assign(suite.registry, { resolveId: (name: string) => name.slice("alias/".length) });
  expect(namesOf(await ask(suite, "listRepositories"))).toEqual(["alias/images-a"]);
  for (const thrown of [new Error("a mistake"), new ArtifactRegistryError("CLOUD_PLATFORM_ERROR", "No.")]) {
    Object.assign(suite.registry, {
      resolveId: () => {
        throw thrown;
      },
    });
    expect((await errorOf(() => ask(suite, "listRepositories"))).code).not.toBe("INVALID_INPUT");
  }
});

test.each<[object, string]>([
  ...[0, 1.5, 10 ** 9, -1, "10", null].map((pageSize): [object, string] => [{ pageSize }, "pageSize"]),
  ...["", "a b", "x".repeat(8_193), 5, null].map((pageToken): [object, string] => [{ pageToken }, "pageToken"]),
])("%j is refused, naming the field", async (more, field) => {
  const suite = suiteOf();
  for (const name of lists) {
    if (field === "pageSize" && name.endsWith("GranteeAccess")) continue;
    expect(await errorOf(() => ask(suite, name, more))).toMatchObject({ code: "INVALID_INPUT", context: { field } });
  }
  expect(suite.registry.recorded).toEqual([]);
});

test.each([
  ...["aws:*", "aws:12345678901", "aws:1234567890123", "aws:12345678901*", "123456789012", "azure:1", "aws:", "gcp:*"],
  "aws:arn:aws:iam::123456789012:root",
  "aws:arn:aws:iam::123456789012:role/*",
  "aws:arn:aws:sts::123456789012:assumed-role/x/session",
  "gcp:*@p.iam.gserviceaccount.com",
  "gcp:allUsers",
  "aws:123456789012 ",
])("the grantee %j is refused", async (grantee) => {
  for (const name of ["listGranteeAccess", "removeGranteeAccess"] as const) {
    const suite = suiteOf();
    const error = await errorOf(() => ask(suite, name, { grantee }));
    expect(error).toMatchObject({ code: "INVALID_INPUT", context: { field: "grantee" } });
    expect(suite.registry.recorded).toEqual([]);
  }
});

test.each([
  ["aws:123456789012", { type: "aws", accountId: "123456789012" }],
  ["aws:arn:aws:iam::123456789012:role/a/b", { type: "aws", roleArn: "arn:aws:iam::123456789012:role/a/b" }],
  ["gcp:123456789", { type: "gcp", projectNumber: "123456789" }],
  ["gcp:a@p.iam.gserviceaccount.com", { type: "gcp", serviceAccountEmail: "a@p.iam.gserviceaccount.com" }],
] as const)("the grantee %s reaches the adapter, where its cloud is the registry's", async (grantee, consumer) => {
  for (const name of ["listGranteeAccess", "removeGranteeAccess"] as const) {
    const fake = (crossAccountAccess: "aws" | "gcp") => ({ repositories: names, capabilities: { crossAccountAccess } });
    const suite = suiteOf({ fake: fake(consumer.type) });
    await ask(suite, name, { grantee });
    expect(suite.registry.recorded[0]?.detail).toMatchObject({ consumer });
    expect(suite.audit[0]?.grantees).toEqual([grantee]);
    const other = suiteOf({ fake: fake(consumer.type === "aws" ? "gcp" : "aws") });
    const error = await errorOf(() => ask(other, name, { grantee }));
    expect([error.code, error.context]).toEqual(["INVALID_INPUT", { field: "grantee" }]);
  }
});

test.each([
  "",
  "a/b",
  "a:b",
  "-1",
  ".x",
  "x".repeat(129),
  `sha256:${"0".repeat(63)}`,
  `sha256:${"G".repeat(64)}`,
  "1.0\n",
])("the reference %j is refused", async (reference) => {
  const suite = suiteOf();
  const error = await errorOf(() => ask(suite, "deleteImage", { reference }));
  expect(error).toMatchObject({ code: "INVALID_INPUT", context: { field: "reference" } });
  expect(suite.registry.recorded).toEqual([]);
});

test("a tag and a digest reach the adapter as what they are, and the log", async () => {
  const suite = suiteOf();
  const digest = `sha256:${"a".repeat(64)}`;
  for (const reference of ["1.0", "sha256", digest]) await ask(suite, "deleteImage", { reference });
  expect(suite.registry.recorded.map(({ detail }) => detail)).toEqual([{ tag: "1.0" }, { tag: "sha256" }, { digest }]);
  expect(suite.audit.map(({ reference }) => reference)).toEqual(["1.0", "sha256", digest]);
});

test("ending a consumer needs a rule for every repository, and for that consumer", async () => {
  const rule = { ...allowAll("aws"), operations: ["removeGranteeAccess"] };
  const role = "aws:arn:aws:iam::123456789012:role/x";
  const outcome = async (part: Partial<Rule>, grantee = "aws:123456789012") => {
    const suite = suiteOf({ rules: [{ ...rule, ...part }] });
    return ask(suite, "removeGranteeAccess", { grantee }).then(
      () => "OK",
      (error: { code: string; context?: object }) => [error.code, error.context, suite.registry.recorded.length],
    );
  };
  expect(await outcome({})).toBe("OK");
  expect(await outcome({ grantees: ["aws:123456789012"] })).toBe("OK");
  expect(await outcome({ grantees: ["aws:123456789012"] }, role)).toBe("OK");
  expect(await outcome({ repositories: ["images/*"] })).toEqual(["ACCESS_DENIED", undefined, 0]);
  for (const grantees of [[], ["aws:999999999999"], [role]]) {
    expect(await outcome({ grantees })).toEqual(["ACCESS_DENIED", { field: "grantees" }, 0]);
  }
});

test("deleting an image is a right of its own", async () => {
  for (const operations of [["deleteRepository"], ["list*"], ["getRepository"]]) {
    const suite = suiteOf({ rules: [{ ...allowAll("aws"), operations }] });
    expect((await errorOf(() => ask(suite, "deleteImage"))).code).toBe("ACCESS_DENIED");
  }
  const suite = suiteOf({
    rules: [{ ...allowAll("aws"), operations: ["deleteImage"], repositories: ["images/my-app"] }],
  });
  await ask(suite, "deleteImage");
  expect((await errorOf(() => ask(suite, "deleteImage", { repoId: "other" }))).code).toBe("ACCESS_DENIED");
});

test("the log says how much a page listed, what it changed, and whether it goes on", async () => {
  const suite = suiteOf();
  await ask(suite, "listRepositories", { pageSize: 10 });
  await ask(suite, "removeGranteeAccess");
  expect(suite.audit).toMatchObject([
    { operation: "listRepositories", listed: 10, more: true },
    { operation: "removeGranteeAccess", changed: names, more: false },
  ]);
});

test("a removal says in which repository something is left", async () => {
  const unmanaged = [{ statement: "statement 3", principals: ["*"], actions: ["ecr:*"], conditional: false }];
  const leftOut = [{ principal: "210987654321", region: "af-south-1" }];
  const suite = suiteOf({ fake: { repositories: ["images/a"], revoked: { unmanaged, leftOut } } });
  expect(await ask(suite, "removeGranteeAccess")).toEqual({
    changed: ["images/a"],
    unmanaged: unmanaged.map((each) => ({ repoId: "images/a", ...each })),
    leftOut: leftOut.map((each) => ({ repoId: "images/a", ...each })),
  });
});
