import { type Check, group, plain } from "../judge/case.ts";
import {
  ALGORITHMS,
  type Algorithm,
  type Content,
  digestOf,
  fresh,
  image,
  index,
  nonce,
  TYPES,
  unknownDigest,
} from "../judge/content.ts";
import * as expect from "../judge/expect.ts";
import { giveBlob, giveManifest, giveParts, putManifest } from "../judge/push.ts";
import type { Registry } from "../judge/registry.ts";
import { sized } from "./manifest-kinds.ts";

const MIB = 1024 * 1024;

const at = (registry: Registry, reference: string) => `/v2/${registry.repository("manifests")}/manifests/${reference}`;

const mismatch = (algorithm: Algorithm) =>
  group(
    `manifest under another digest/${algorithm}`,
    async (registry) => {
      const content = image({ algorithm });
      const claimed = unknownDigest(algorithm);
      await giveParts(registry, registry.repository("manifests"), content);
      return {
        content,
        claimed,
        answer: await putManifest(registry, registry.repository("manifests"), claimed, content),
      };
    },
    [
      ["MUST", "is 400", ({ answer }) => expect.status(answer, 400)],
      ["MUST", "is DIGEST_INVALID", ({ answer }) => expect.errorDocument(answer, "DIGEST_INVALID", "MANIFEST_INVALID")],
      [
        "MUST",
        "leaves nothing under the digest that was claimed",
        async ({ claimed }, registry) => expect.status(await registry.ask("GET", at(registry, claimed)), 404),
      ],
      [
        "PRACTICE",
        "leaves nothing under its own",
        async ({ content }, registry) => expect.status(await registry.ask("GET", at(registry, digestOf(content))), 404),
      ],
    ],
  );

const put = (registry: Registry, reference: string, content: Content, contentType?: string) => {
  const headers = contentType === undefined ? {} : { "Content-Type": contentType };
  return registry.ask("PUT", at(registry, reference), { headers, body: content.bytes });
};

const types = plain("manifest types", [
  ...["; charset=utf-8", ';charset="utf-8"; q=1'].map(
    (parameters): Check<undefined> => [
      "SHOULD",
      `parameters of Content-Type are passed over: ${parameters}`,
      async (_, registry) => {
        const content = index([]);
        expect.status(await put(registry, digestOf(content), content, `${TYPES.index}${parameters}`), 201);
        expect.mediaType(await registry.ask("GET", at(registry, digestOf(content))), TYPES.index);
      },
    ],
  ),
  [
    "PRACTICE",
    "without Content-Type the mediaType inside counts",
    async (_, registry) => {
      const content = index([]);
      expect.status(await put(registry, digestOf(content), content), 201);
      expect.mediaType(await registry.ask("GET", at(registry, digestOf(content))), TYPES.index);
    },
  ],
  ...["*/*", TYPES.index, `${TYPES.image}, ${TYPES.index};q=0.5`, "application/*", `text/html, */*;q=0.1`].map(
    (accept): Check<undefined> => [
      "RFC",
      `an index is given to who accepts ${accept}`,
      async (_, registry) => {
        const content = index([]);
        await giveManifest(registry, registry.repository("manifests"), digestOf(content), content);
        const got = await registry.ask("GET", at(registry, digestOf(content)), { headers: { Accept: accept } });
        expect.status(got, 200);
        expect.bytes(got, content.bytes);
      },
    ],
  ),
]);

const sizes = plain("manifest size", [
  ...[5 * MIB, 16 * MIB].map(
    (size): Check<undefined> => [
      "SHOULD",
      `${size / MIB} MiB are 413`,
      async (_, registry) => {
        const content = sized("sha256", size);
        await giveParts(registry, registry.repository("manifests"), content);
        const answer = await putManifest(registry, registry.repository("manifests"), `t-${nonce()}`, content);
        expect.status(answer, 413);
        expect.errorDocument(answer);
        expect.status(await registry.ask("HEAD", at(registry, digestOf(content))), 404);
      },
    ],
  ),
  [
    "SHOULD",
    "5 MiB without a length are 413",
    async (_, registry) => {
      const { bytes } = sized("sha256", 5 * MIB);
      const headers = { "Content-Type": TYPES.image };
      const stream = [bytes.subarray(0, MIB), bytes.subarray(MIB)];
      expect.status(await registry.ask("PUT", at(registry, `t-${nonce()}`), { headers, stream }), 413);
    },
  ],
]);

const overwritten = group(
  "manifest tag moved",
  async (registry) => {
    const [tag, before, after] = [`t-${nonce()}`, image(), index([])];
    await giveManifest(registry, registry.repository("manifests"), tag, before);
    await giveManifest(registry, registry.repository("manifests"), tag, after);
    return { tag, before, after };
  },
  [
    [
      "MUST",
      "leads to the new manifest",
      async ({ tag, after }, r) => expect.bytes(await r.ask("GET", at(r, tag)), after.bytes),
    ],
    [
      "MUST",
      "has the new one's type",
      async ({ tag }, r) => expect.mediaType(await r.ask("GET", at(r, tag)), TYPES.index),
    ],
    [
      "MUST",
      "names the new one's digest",
      async ({ tag, after }, r) =>
        expect.header(await r.ask("HEAD", at(r, tag)), "Docker-Content-Digest", digestOf(after)),
    ],
    [
      "PRACTICE",
      "keeps the old manifest",
      async ({ before }, r) => expect.bytes(await r.ask("GET", at(r, digestOf(before))), before.bytes),
    ],
    [
      "PRACTICE",
      "stays where it is when a push to it is refused",
      async ({ tag, after }, r) => {
        const headers = { "Content-Type": TYPES.image };
        expect.status(await r.ask("PUT", at(r, tag), { headers, body: "{}" }), 400);
        expect.bytes(await r.ask("GET", at(r, tag)), after.bytes);
      },
    ],
    [
      "PRACTICE",
      "a manifest is not a blob",
      async ({ after }, r) => {
        const path = `/v2/${r.repository("manifests")}/blobs/${digestOf(after)}`;
        expect.status(await r.ask("GET", path), 404);
      },
    ],
    [
      "PRACTICE",
      "a blob is not a manifest",
      async (_, r) => {
        const name = await giveBlob(r, r.repository("manifests"), fresh());
        expect.status(await r.ask("GET", at(r, name)), 404);
      },
    ],
  ],
);

export const manifestRules = [...ALGORITHMS.map(mismatch), types, sizes, overwritten];
