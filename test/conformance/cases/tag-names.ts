import { type Check, group, plain } from "../judge/case.ts";
import { index } from "../judge/content.ts";
import * as expect from "../judge/expect.ts";
import { putManifest } from "../judge/push.ts";

const LEGAL = [
  "a",
  "0",
  "_",
  "__",
  "A.b-c_d",
  "v1.0.0",
  "1.",
  "a..b",
  "x-",
  "T".repeat(128),
  "latest",
  "uploads",
  "list",
];
const ILLEGAL = [".a", "-a", "a%20b", "a%2Bb", "a@b", "a%21", "T".repeat(129), "%C3%A4", "a%5Cb", "a,b"];

const legal = LEGAL.map((tag) =>
  group(
    `tag legal/${tag.length > 20 ? `${tag.length} characters` : tag}`,
    async (registry) => {
      const content = index([]);
      const put = await putManifest(registry, registry.repository("one"), tag, content);
      const path = `/v2/${registry.repository("one")}/manifests/${tag}`;
      return { content, put, got: await registry.ask("GET", path), path };
    },
    [
      ["MUST", "can be pushed", ({ put }) => expect.status(put, 201)],
      ["MUST", "can be pulled", ({ got, content }) => expect.bytes(got, content.bytes)],
      ["MAY", "can be deleted", async ({ path }, registry) => expect.status(await registry.ask("DELETE", path), 202)],
    ],
  ),
);

const illegal = plain(
  "tag illegal",
  ILLEGAL.flatMap((tag): Check<undefined>[] => [
    [
      "MUST",
      `a push to ${tag.slice(0, 20)} is refused`,
      async (_, registry) =>
        expect.status(await putManifest(registry, registry.repository("one"), tag, index([])), 400, 404),
    ],
    [
      "MUST",
      `a pull of ${tag.slice(0, 20)} is refused`,
      async (_, registry) =>
        expect.status(await registry.ask("GET", `/v2/${registry.repository("one")}/manifests/${tag}`), 400, 404),
    ],
  ]),
);

export const tagNames = [...legal, illegal];
