import { type Check, group, type Level, plain } from "../judge/case.ts";
import { digest, fresh, index } from "../judge/content.ts";
import * as expect from "../judge/expect.ts";
import { push, putManifest, WAYS } from "../judge/push.ts";

/** What may stand behind the namespace, and together with it be a repository's name. */
export const LEGAL_NAMES = [
  "",
  "a",
  "0",
  "a.b",
  "a_b",
  "a__b",
  "a-b",
  "a--b",
  "a----b",
  "a.b_c-d__e",
  "a/b/c/d/e/f/g/h",
  "0/1/2",
  "blobs",
  "manifests/tags",
  "tags/list/x",
  "blobs/uploads/x",
  "referrers",
  "v2",
  "uploads",
  "x".repeat(100),
  Array.from({ length: 20 }, () => "part").join("/"),
];

const ILLEGAL_NAMES: Readonly<Record<string, string>> = {
  "in upper case": "Upper",
  "with one capital": "team/aPp",
  "that begins with a dot": ".a",
  "that ends with a dot": "a.",
  "that begins with a dash": "-a",
  "that ends with a dash": "a-",
  "that begins with an underscore": "_a",
  "that ends with an underscore": "a_",
  "with two dots": "a..b",
  "with three underscores": "a___b",
  "with a dot beside a dash": "a.-b",
  "with an underscore beside a dot": "a_.b",
  "with two slashes": "a//b",
  "with a component of a dot": "a/./b",
  "that climbs": "a/../b",
  "that climbs, encoded": "a/%2e%2e/b",
  "with a space": "a%20b",
  "with a line break": "a%0ab",
  "with a zero byte": "a%00b",
  "with a colon": "a:b",
  "with an at": "a@b",
  "with a plus": "a+b",
  "with a tilde": "a~b",
  "with a backslash": "a%5cb",
  "with an umlaut": "%C3%A4",
  "of 256 characters": "a".repeat(256),
  "of 10,000 characters": "a".repeat(10_000),
};

const legal = (slug: string) =>
  group(
    `name legal/${slug.length > 40 ? `${slug.slice(0, 10)}… of ${slug.length}` : slug || "the namespace itself"}`,
    async (registry) => {
      const repository = registry.repository(slug);
      const bytes = fresh(64);
      const way = WAYS["single POST"] as (typeof WAYS)[string];
      const pushed = await push(way, registry, { repository, bytes, digest: digest(bytes) });
      const content = index([]);
      return { repository, pushed, content, put: await putManifest(registry, repository, "latest", content) };
    },
    [
      ["MUST", "takes a blob", ({ pushed }) => expect.status(pushed.last, 201)],
      [
        "MUST",
        "gives it back",
        async ({ repository, pushed }, registry) =>
          expect.bytes(await registry.ask("GET", `/v2/${repository}/blobs/${pushed.digest}`), pushed.bytes),
      ],
      ["MUST", "takes a manifest", ({ put }) => expect.status(put, 201)],
      [
        "MUST",
        "gives it back, by its tag",
        async ({ repository, content }, registry) =>
          expect.bytes(await registry.ask("GET", `/v2/${repository}/manifests/latest`), content.bytes),
      ],
      [
        "MUST",
        "lists its tags under its name",
        async ({ repository }, registry) => {
          const answer = await registry.ask("GET", `/v2/${repository}/tags/list`);
          expect.equal(expect.json(answer), { name: repository, tags: ["latest"] }, "the list");
        },
      ],
    ],
  );

/** The grammar is the specification's; of the length it says only that clients have a limit. */
const levelOf = (name: string): Level => (name.length > 255 ? "PRACTICE" : "MUST");

const illegal = plain(
  "name illegal",
  Object.entries(ILLEGAL_NAMES).flatMap(([title, name]): Check<undefined>[] => [
    [
      levelOf(name),
      `a pull from a name ${title} is refused`,
      async (_, registry) => expect.status(await registry.ask("GET", `/v2/${name}/manifests/latest`), 400, 404),
    ],
    [
      levelOf(name),
      `an upload to a name ${title} is refused`,
      async (_, registry) => expect.status(await registry.ask("POST", `/v2/${name}/blobs/uploads/`), 400, 404),
    ],
    [
      levelOf(name),
      `a manifest for a name ${title} is refused`,
      async (_, registry) => expect.status(await putManifest(registry, name, "latest", index([])), 400, 404),
    ],
  ]),
);

export const names = [...LEGAL_NAMES.map(legal), illegal];
