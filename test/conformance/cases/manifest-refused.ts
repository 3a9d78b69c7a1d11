import { type Check, group } from "../judge/case.ts";
import { type Content, descriptor, digest, fresh, image, index, nonce, TYPES } from "../judge/content.ts";
import * as expect from "../judge/expect.ts";
import type { Answer } from "../judge/http.ts";
import { giveParts } from "../judge/push.ts";

type Refusal = {
  /** Parts that are there, so that nothing but the one fault is left. */
  readonly content?: Content;
  readonly body: string | Buffer;
  readonly contentType: string;
};

const text =
  (body: string, contentType: string = TYPES.image) =>
  (): Refusal => ({ body, contentType });

const changed = (fields: Record<string, unknown>) => (): Refusal => {
  const content = image();
  const body = JSON.stringify({ ...(JSON.parse(content.bytes.toString()) as object), ...fields });
  return { content, body, contentType: TYPES.image };
};

const changedIndex = (fields: Record<string, unknown>) => (): Refusal => {
  const content = index([]);
  const body = JSON.stringify({ ...(JSON.parse(content.bytes.toString()) as object), ...fields });
  return { content, body, contentType: TYPES.index };
};

const mislabelled = (make: () => Content, contentType: string) => (): Refusal => {
  const content = make();
  return { content, body: content.bytes, contentType };
};

const dockerImage = () => image({ mediaType: TYPES.dockerImage, configType: TYPES.dockerConfig });

const INVALID: Readonly<Record<string, () => Refusal>> = {
  "no body": text(""),
  "no JSON": text("not a manifest"),
  "broken-off JSON": () => ({ ...changed({})(), body: image().bytes.subarray(0, -1) }),
  "a JSON list": text("[]"),
  "a JSON string": text('"manifest"'),
  "a JSON null": text("null"),
  "a JSON number": text("2"),
  "an index as an image": mislabelled(() => index([]), TYPES.image),
  "an image as an index": mislabelled(image, TYPES.index),
  "an image as a Docker image": mislabelled(image, TYPES.dockerImage),
  "a Docker image as an image": mislabelled(dockerImage, TYPES.image),
  "an image as a Docker list": mislabelled(image, TYPES.dockerList),
  "an image under an unknown mediaType": changed({ mediaType: "application/vnd.example.manifest.v9+json" }),
  "an image whose mediaType is a number": changed({ mediaType: 2 }),
  "an image without config": changed({ config: undefined }),
  "an image whose config is text": changed({ config: "sha256" }),
  "an image without layers": changed({ layers: undefined }),
  "an image whose layers are an object": changed({ layers: {} }),
  "an image with a layer without digest": changed({ layers: [{ mediaType: TYPES.layer, size: 1 }] }),
  "an image with a layer of a malformed digest": changed({
    layers: [{ mediaType: TYPES.layer, size: 1, digest: "sha256:baddigeststring" }],
  }),
  "an image with a layer that is null": changed({ layers: [null] }),
  "an image with a config of a malformed digest": changed({
    config: { mediaType: TYPES.config, size: 1, digest: "md5:0" },
  }),
  "an image that is an index too": changed({ manifests: [] }),
  "an index that is an image too": changedIndex({ layers: [], config: descriptor(TYPES.empty, Buffer.from("{}")) }),
  "an index without manifests": changedIndex({ manifests: undefined }),
  "an index whose manifests are text": changedIndex({ manifests: "none" }),
  "an index with a malformed digest": changedIndex({
    manifests: [{ mediaType: TYPES.image, size: 1, digest: "sha256:short" }],
  }),
  "an image whose subject has a malformed digest": changed({
    subject: { mediaType: TYPES.image, size: 1, digest: "sha256:baddigeststring" },
  }),
  "an image whose subject is text": changed({ subject: "sha256" }),
  "an image whose annotations are a list": changed({ annotations: ["a"] }),
  "an image with an annotation that is no text": changed({ annotations: { a: 1 } }),
  "an image whose artifactType is a number": changed({ artifactType: 1 }),
};

type Refused = { readonly answer: Answer; readonly tag: string; readonly digest: string };

const nothingThere: readonly Check<Refused>[] = [
  [
    "PRACTICE",
    "leaves no tag",
    async ({ tag }, registry) =>
      expect.status(await registry.ask("GET", `/v2/${registry.repository("refused")}/manifests/${tag}`), 404),
  ],
  [
    "PRACTICE",
    "leaves no manifest",
    async ({ digest }, registry) =>
      expect.status(await registry.ask("GET", `/v2/${registry.repository("refused")}/manifests/${digest}`), 404),
  ],
];

const invalid = (name: string, make: () => Refusal) =>
  group(
    `manifest invalid/${name}`,
    async (registry): Promise<Refused> => {
      const { content, body, contentType } = make();
      const [tag, repository] = [`t-${nonce()}`, registry.repository("refused")];
      if (content !== undefined) await giveParts(registry, repository, content);
      const headers = { "Content-Type": contentType };
      const answer = await registry.ask("PUT", `/v2/${repository}/manifests/${tag}`, { headers, body });
      return { answer, tag, digest: digest(Buffer.from(body)) };
    },
    [
      ["PRACTICE", "is 400", ({ answer }) => expect.status(answer, 400)],
      [
        "PRACTICE",
        "has the error document",
        ({ answer }) => expect.errorDocument(answer, "MANIFEST_INVALID", "DIGEST_INVALID"),
      ],
      ...nothingThere,
    ],
  );

const MISSING: Readonly<Record<string, (have: Content) => readonly Buffer[]>> = {
  config: ({ blobs }) => blobs.slice(1),
  layer: ({ blobs }) => blobs.slice(0, -1),
  "config and layers": () => [],
};

/** A registry may refuse a manifest whose blobs it lacks; if it does, it has to say so, and to keep nothing. */
const missing = (name: string, present: (have: Content) => readonly Buffer[]) =>
  group(
    `manifest without its ${name}`,
    async (registry): Promise<Refused> => {
      const content = image({ layers: [fresh(), fresh()] });
      const [tag, repository] = [`t-${nonce()}`, registry.repository("refused")];
      await giveParts(registry, repository, { ...content, blobs: present(content) });
      const headers = { "Content-Type": content.mediaType };
      const answer = await registry.ask("PUT", `/v2/${repository}/manifests/${tag}`, { headers, body: content.bytes });
      return { answer, tag, digest: digest(content.bytes) };
    },
    [
      ["PRACTICE", "is refused", ({ answer }) => expect.status(answer, 400, 404)],
      ["MUST", "says MANIFEST_BLOB_UNKNOWN", ({ answer }) => expect.errorDocument(answer, "MANIFEST_BLOB_UNKNOWN")],
      ...nothingThere,
    ],
  );

export const manifestRefused = [
  ...Object.entries(INVALID).map(([name, make]) => invalid(name, make)),
  ...Object.entries(MISSING).map(([name, present]) => missing(name, present)),
];
