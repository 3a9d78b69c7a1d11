import { type Check, group, plain } from "../judge/case.ts";
import {
  ALGORITHMS,
  type Algorithm,
  digestOf,
  fresh,
  image,
  index,
  nonce,
  TYPES,
  unknownDigest,
} from "../judge/content.ts";
import * as expect from "../judge/expect.ts";
import { giveBlob, giveManifest } from "../judge/push.ts";
import type { Registry } from "../judge/registry.ts";

const of = (registry: Registry, kind: "blobs" | "manifests", name: string) =>
  `/v2/${registry.repository("deleted")}/${kind}/${name}`;

const blob = (algorithm: Algorithm) =>
  group(
    `end-10 blob/${algorithm}`,
    async (registry) => {
      const bytes = fresh();
      const name = await giveBlob(registry, registry.repository("deleted"), bytes, algorithm);
      await giveBlob(registry, registry.repository("one"), bytes, algorithm);
      return { bytes, name, answer: await registry.ask("DELETE", of(registry, "blobs", name)) };
    },
    [
      ["MUST", "is 202", ({ answer }) => expect.status(answer, 202)],
      ["MUST", "GET is 404", async ({ name }, r) => expect.status(await r.ask("GET", of(r, "blobs", name)), 404)],
      ["MUST", "HEAD is 404", async ({ name }, r) => expect.status(await r.ask("HEAD", of(r, "blobs", name)), 404)],
      ["MUST", "again is 404", async ({ name }, r) => expect.status(await r.ask("DELETE", of(r, "blobs", name)), 404)],
      [
        "PRACTICE",
        "leaves it in another repository",
        async ({ name, bytes }, r) =>
          expect.bytes(await r.ask("GET", `/v2/${r.repository("one")}/blobs/${name}`), bytes),
      ],
      [
        "PRACTICE",
        "it can be pushed again",
        async ({ name, bytes }, r) => {
          await giveBlob(r, r.repository("deleted"), bytes, algorithm);
          expect.bytes(await r.ask("GET", of(r, "blobs", name)), bytes);
        },
      ],
    ],
  );

const manifest = (algorithm: Algorithm) =>
  group(
    `end-9 by digest/${algorithm}`,
    async (registry) => {
      const content = image({ algorithm });
      const name = await giveManifest(registry, registry.repository("deleted"), digestOf(content), content);
      return { content, name, answer: await registry.ask("DELETE", of(registry, "manifests", name)) };
    },
    [
      ["MUST", "is 202", ({ answer }) => expect.status(answer, 202)],
      ["MUST", "GET is 404", async ({ name }, r) => expect.status(await r.ask("GET", of(r, "manifests", name)), 404)],
      ["MUST", "HEAD is 404", async ({ name }, r) => expect.status(await r.ask("HEAD", of(r, "manifests", name)), 404)],
      [
        "MUST",
        "again is 404",
        async ({ name }, r) => expect.status(await r.ask("DELETE", of(r, "manifests", name)), 404),
      ],
      [
        "PRACTICE",
        "leaves its blobs",
        async ({ content }, r) => {
          const { config } = JSON.parse(content.bytes.toString()) as { config: { digest: string } };
          expect.status(await r.ask("HEAD", of(r, "blobs", config.digest)), 200);
        },
      ],
      [
        "PRACTICE",
        "it can be pushed again",
        async ({ content, name }, r) => {
          await giveManifest(r, r.repository("deleted"), name, content);
          expect.bytes(await r.ask("GET", of(r, "manifests", name)), content.bytes);
        },
      ],
    ],
  );

const tags = group(
  "end-9 with tags",
  async (registry) => {
    const [first, second] = [`t-${nonce()}`, `t-${nonce()}`];
    const content = image();
    for (const tag of [first, second]) await giveManifest(registry, registry.repository("deleted"), tag, content);
    return { first, second, name: digestOf(content), content };
  },
  [
    [
      "MAY",
      "deleting one tag is 202, and it is 404",
      async ({ first }, r) => {
        expect.status(await r.ask("DELETE", of(r, "manifests", first)), 202);
        expect.status(await r.ask("GET", of(r, "manifests", first)), 404);
      },
    ],
    [
      "PRACTICE",
      "the other tag stays",
      async ({ second, content }, r) => expect.bytes(await r.ask("GET", of(r, "manifests", second)), content.bytes),
    ],
    [
      "PRACTICE",
      "the manifest stays",
      async ({ name, content }, r) => expect.bytes(await r.ask("GET", of(r, "manifests", name)), content.bytes),
    ],
    [
      "MAY",
      "deleting the tag again is 404",
      async ({ first }, r) => expect.status(await r.ask("DELETE", of(r, "manifests", first)), 404),
    ],
    [
      "MUST",
      "deleting the manifest takes its other tag along",
      async ({ second, name }, r) => {
        expect.status(await r.ask("DELETE", of(r, "manifests", name)), 202);
        expect.status(await r.ask("GET", of(r, "manifests", second)), 404);
      },
    ],
  ],
);

const kept = plain("deletion leaves", [
  [
    "PRACTICE",
    "the children of an index that is deleted",
    async (_, r) => {
      const child = image();
      const parent = index([child]);
      const name = await giveManifest(r, r.repository("deleted"), digestOf(parent), parent);
      expect.status(await r.ask("DELETE", of(r, "manifests", name)), 202);
      expect.bytes(await r.ask("GET", of(r, "manifests", digestOf(child))), child.bytes);
    },
  ],
  [
    "PRACTICE",
    "the manifest whose blob is deleted",
    async (_, r) => {
      const content = image();
      const name = await giveManifest(r, r.repository("deleted"), digestOf(content), content);
      const { layers } = JSON.parse(content.bytes.toString()) as { layers: { digest: string }[] };
      expect.status(await r.ask("DELETE", of(r, "blobs", layers[0]?.digest ?? "")), 202);
      expect.bytes(await r.ask("GET", of(r, "manifests", name)), content.bytes);
    },
  ],
  [
    "PRACTICE",
    "the manifest of the other algorithm",
    async (_, r) => {
      const [one, two] = [index([]), { algorithm: "sha512" }] as const;
      const other = { ...one, ...two };
      for (const content of [one, other]) await giveManifest(r, r.repository("deleted"), digestOf(content), content);
      expect.status(await r.ask("DELETE", of(r, "manifests", digestOf(one))), 202);
      const got = await r.ask("GET", of(r, "manifests", digestOf(other)));
      expect.bytes(got, one.bytes);
      expect.mediaType(got, TYPES.index);
    },
  ],
  ...(["blobs", "manifests"] as const).map(
    (kind): Check<undefined> => [
      "MUST",
      `a repository that is not there: DELETE of ${kind} is 404 with the error document`,
      async (_, r) => {
        const answer = await r.ask("DELETE", `/v2/${r.repository("nowhere")}/${kind}/${unknownDigest()}`);
        expect.status(answer, 404);
        expect.errorDocument(answer);
      },
    ],
  ),
]);

export const deletion = [...ALGORITHMS.map(blob), ...ALGORITHMS.map(manifest), tags, kept];
