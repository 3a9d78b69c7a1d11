import { type Check, group, plain } from "../judge/case.ts";
import { digestOf, image, index, nonce } from "../judge/content.ts";
import * as expect from "../judge/expect.ts";
import type { Answer } from "../judge/http.ts";
import { giveManifest } from "../judge/push.ts";
import { locationOf, type Registry } from "../judge/registry.ts";

const TAGS = ["v10", "a", "B", "1.0", "v2", "latest", "_x", "b-c", "b.c", "Z", "v1"];

type List = { readonly name: string; readonly tags: string[] };

const list = (registry: Registry, query = "") =>
  registry.ask("GET", `/v2/${registry.repository("tags")}/tags/list${query}`);
const tagsOf = (answer: Answer) => {
  expect.status(answer, 200);
  return expect.json<List>(answer).tags;
};

/** The order that the registry chose: the specification allows that of bytes, and that without regard to case. */
const ascii = (tags: readonly string[]) => [...tags].sort();
const folded = (tags: readonly string[]) =>
  [...tags].sort((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : Number(a.toLowerCase() > b.toLowerCase())));

/** The address that a `Link` leads to; undefined where there is none. Throws where it is not of the right form. */
function next(answer: Answer): string | undefined {
  const link = answer.headers.link;
  if (link === undefined) return undefined;
  const [, target] = /^<([^>]+)>;\s*rel="?next"?$/.exec(String(link)) ?? [];
  expect.check(target !== undefined, `Link is ${link}`);
  return locationOf({ ...answer, headers: { location: target } });
}

/** Follows the pages from the first to the last, in pages of `n`. */
async function pages(registry: Registry, n: number): Promise<string[][]> {
  const found: string[][] = [];
  let answer = await list(registry, `?n=${n}`);
  for (let left = 50; left > 0; left--) {
    found.push(tagsOf(answer));
    const following = next(answer);
    if (following === undefined) return found;
    answer = await registry.ask("GET", following);
  }
  throw new Error("the pages do not end");
}

const last = (at: number): Check<readonly string[]> => [
  "MUST",
  `last is left out, and what is after it is there (${at})`,
  async (all, registry) =>
    expect.equal(tagsOf(await list(registry, `?last=${all[at]}`)), all.slice(at + 1), "the tags"),
];

const paged = (n: number): readonly Check<readonly string[]>[] => [
  [
    "MUST",
    `n=${n} has the first ${n}`,
    async (all, registry) => expect.equal(tagsOf(await list(registry, `?n=${n}`)), all.slice(0, n), "the tags"),
  ],
  [
    "MUST",
    `n=${n} and last have the next ${n}`,
    async (all, registry) =>
      expect.equal(tagsOf(await list(registry, `?n=${n}&last=${all[1]}`)), all.slice(2, 2 + n), "the tags"),
  ],
  [
    "PRACTICE",
    `Link leads through all pages of ${n}`,
    async (all, registry) => {
      const found = await pages(registry, n);
      expect.equal(found.flat(), [...all], "the tags");
      expect.equal(found.length, Math.ceil(all.length / n), "the pages");
    },
  ],
];

const listing = group(
  "end-8 tags",
  async (registry) => {
    for (const tag of TAGS) await giveManifest(registry, registry.repository("tags"), tag, index([]));
    return tagsOf(await list(registry)) as readonly string[];
  },
  [
    ["MUST", "the list is whole", (all) => expect.equal(ascii(all), ascii(TAGS), "the tags")],
    [
      "MUST",
      "the list is in order",
      (all) => {
        const ordered = [ascii(all), folded(all)].some((order) => order.join() === all.join());
        expect.check(ordered, `the order is ${all.join(" ")}`);
      },
    ],
    [
      "MUST",
      "the list has the repository's name",
      async (_, registry) => {
        const answer = await list(registry);
        expect.mediaType(answer, "application/json");
        expect.equal(expect.json<List>(answer).name, registry.repository("tags"), "name");
      },
    ],
    ["MUST", "the whole list has no Link", async (_, registry) => expect.noHeader(await list(registry), "Link")],
    ...[1, 2, 5, 10].flatMap(paged),
    ...[0, 3, TAGS.length - 2].map(last),
    [
      "MUST",
      "n=0 is an empty list",
      async (_, registry) => expect.equal(tagsOf(await list(registry, "?n=0")), [], "the tags"),
    ],
    ["MUST", "n=0 has no Link", async (_, registry) => expect.noHeader(await list(registry, "?n=0"), "Link")],
    ...[TAGS.length, 1000].flatMap((n): Check<readonly string[]>[] => [
      [
        "MUST",
        `n=${n} has all`,
        async (all, registry) => expect.equal(tagsOf(await list(registry, `?n=${n}`)), [...all], "the tags"),
      ],
      [
        "PRACTICE",
        `n=${n} has no Link`,
        async (_, registry) => expect.noHeader(await list(registry, `?n=${n}`), "Link"),
      ],
    ]),
    [
      "MUST",
      "nothing is after the last",
      async (all, registry) => {
        const answer = await list(registry, `?last=${all.at(-1)}`);
        expect.equal(tagsOf(answer), [], "the tags");
        expect.noHeader(answer, "Link");
      },
    ],
    [
      "PRACTICE",
      "last need not be there",
      async (all, registry) =>
        expect.equal(tagsOf(await list(registry, "?last=a0")), all.slice(all.indexOf("a") + 1), "the tags"),
    ],
    ...["-1", "many", "1.5"].map(
      (n): Check<readonly string[]> => [
        "PRACTICE",
        `n=${n} is 400`,
        async (_, registry) => expect.status(await list(registry, `?n=${n}`), 400),
      ],
    ),
  ],
);

const changing = plain("tags changing", [
  [
    "MUST",
    "a tag that is moved is listed once",
    async (_, registry) => {
      const [repository, tag] = [registry.repository("one"), `t-${nonce()}`];
      for (const content of [image(), index([])]) await giveManifest(registry, repository, tag, content);
      const answer = await registry.ask("GET", `/v2/${repository}/tags/list`);
      expect.equal(
        tagsOf(answer).filter((one) => one === tag),
        [tag],
        "the tags",
      );
    },
  ],
  [
    "MAY",
    "a tag that is deleted is not listed",
    async (_, registry) => {
      const [repository, tag] = [registry.repository("one"), `t-${nonce()}`];
      await giveManifest(registry, repository, tag, index([]));
      expect.status(await registry.ask("DELETE", `/v2/${repository}/manifests/${tag}`), 202);
      expect.check(!tagsOf(await registry.ask("GET", `/v2/${repository}/tags/list`)).includes(tag), `${tag} is listed`);
    },
  ],
  [
    "MUST",
    "a repository with no tag lists none",
    async (_, registry) => {
      const content = index([]);
      await giveManifest(registry, registry.repository("untagged"), digestOf(content), content);
      const answer = await registry.ask("GET", `/v2/${registry.repository("untagged")}/tags/list`);
      expect.equal(tagsOf(answer), [], "the tags");
    },
  ],
  [
    "MUST",
    "a repository that is not there is 404, with the error document",
    async (_, registry) => {
      const answer = await registry.ask("GET", `/v2/${registry.repository("nowhere")}/tags/list`);
      expect.status(answer, 404);
      expect.errorDocument(answer, "NAME_UNKNOWN");
    },
  ],
]);

export const tags = [listing, changing];
