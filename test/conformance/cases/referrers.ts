import { type Check, group, plain } from "../judge/case.ts";
import {
  ALGORITHMS,
  type Algorithm,
  type Content,
  type Descriptor,
  describe,
  digestOf,
  image,
  TYPES,
  unknownDigest,
} from "../judge/content.ts";
import * as expect from "../judge/expect.ts";
import type { Answer } from "../judge/http.ts";
import { giveManifest } from "../judge/push.ts";
import type { Registry } from "../judge/registry.ts";
import { REFERRERS, type Referrer } from "./referrer-kinds.ts";

type Listed = { readonly schemaVersion: number; readonly mediaType: string; readonly manifests: Descriptor[] };

const path = (registry: Registry, name: string, slug = "referrers") =>
  `/v2/${registry.repository(slug)}/referrers/${name}`;

function manifestsOf(answer: Answer): Descriptor[] {
  expect.status(answer, 200);
  expect.mediaType(answer, TYPES.index);
  const { schemaVersion, mediaType, manifests } = expect.json<Listed>(answer);
  expect.equal([schemaVersion, mediaType], [2, TYPES.index], "schemaVersion and mediaType");
  expect.check(Array.isArray(manifests), "manifests is not a list");
  return manifests;
}

type Known = {
  readonly subject: string;
  readonly contents: Readonly<Record<string, Content>>;
  readonly listed: Answer;
  readonly all: Descriptor[];
};

const annotationsOf = ({ bytes }: Content) => (JSON.parse(bytes.toString()) as { annotations?: unknown }).annotations;

const entry = (name: string, { artifactType }: Referrer): readonly Check<Known>[] => {
  const found = ({ contents, all }: Known) => {
    const content = contents[name] as Content;
    const descriptor = all.find((one) => one.digest === digestOf(content));
    expect.check(descriptor !== undefined, "it is not listed");
    return { content, descriptor };
  };
  return [
    [
      "MUST",
      `${name} is listed, with its type and size`,
      (known) => {
        const { content, descriptor } = found(known);
        const { mediaType, digest, size } = descriptor;
        expect.equal({ mediaType, digest, size }, describe(content), "the descriptor");
      },
    ],
    [
      "MUST",
      `${name} has the artifactType ${artifactType === undefined ? "left out" : "that it should"}`,
      (known) => expect.equal(found(known).descriptor.artifactType, artifactType, "artifactType"),
    ],
    [
      "MUST",
      `${name} has its annotations`,
      (known) => {
        const { content, descriptor } = found(known);
        expect.equal(descriptor.annotations ?? {}, annotationsOf(content) ?? {}, "annotations");
      },
    ],
  ];
};

const filtered = (type: string): readonly Check<Known>[] => [
  [
    "SHOULD",
    `${type} alone is listed when it is asked for`,
    async ({ subject, contents }, registry) => {
      const answer = await registry.ask("GET", `${path(registry, subject)}?artifactType=${encodeURIComponent(type)}`);
      const expected = Object.entries(REFERRERS).filter(([, { artifactType }]) => artifactType === type);
      const digests = expected.map(([name]) => digestOf(contents[name] as Content));
      expect.equal(
        manifestsOf(answer)
          .map(({ digest }) => digest)
          .sort(),
        digests.sort(),
        "the digests",
      );
    },
  ],
  [
    "MUST",
    `OCI-Filters-Applied says so for ${type}`,
    async ({ subject }, registry) => {
      const answer = await registry.ask("GET", `${path(registry, subject)}?artifactType=${encodeURIComponent(type)}`);
      expect.header(answer, "OCI-Filters-Applied", /(^|,\s*)artifactType(\s*,|$)/);
    },
  ],
];

/** The referrers come before their subject, after it, or it never comes. */
const known = (order: "after the subject" | "before the subject" | "without a subject", algorithm: Algorithm) =>
  group(
    `end-12 referrers ${order}/${algorithm}`,
    async (registry): Promise<Known> => {
      const repository = registry.repository("referrers");
      const subject = image({ algorithm });
      const give = () => giveManifest(registry, repository, digestOf(subject), subject);
      if (order === "after the subject") await give();
      const contents: Record<string, Content> = {};
      for (const [name, { make }] of Object.entries(REFERRERS)) {
        const content = make(describe(subject), algorithm);
        await giveManifest(registry, repository, digestOf(content), content);
        contents[name] = content;
      }
      if (order === "before the subject") await give();
      const listed = await registry.ask("GET", path(registry, digestOf(subject)));
      const { manifests: all } = expect.json<Listed>(listed);
      expect.check(Array.isArray(all), "there is no list of manifests");
      return { subject: digestOf(subject), contents, listed, all };
    },
    [
      ["MUST", "the list is an image index, with 200", ({ listed }) => void manifestsOf(listed)],
      [
        "MUST",
        "there are all of them, once",
        ({ all }) => expect.equal(all.length, Object.keys(REFERRERS).length, "the count"),
      ],
      ...Object.entries(REFERRERS).flatMap(([name, row]) => entry(name, row)),
      ...[TYPES.artifact, TYPES.otherArtifact, TYPES.config, "application/vnd.example.none"].flatMap(filtered),
      [
        "PRACTICE",
        "without a filter OCI-Filters-Applied is left out",
        async ({ subject }, registry) =>
          expect.noHeader(await registry.ask("GET", path(registry, subject)), "OCI-Filters-Applied"),
      ],
      [
        "PRACTICE",
        "another repository has none of them",
        async ({ subject }, registry) =>
          expect.equal(manifestsOf(await registry.ask("GET", path(registry, subject, "manifests"))), [], "manifests"),
      ],
      [
        "MUST",
        "one that is deleted is not listed",
        async ({ subject, contents }, registry) => {
          const name = digestOf(contents["an artifact"] as Content);
          const target = `/v2/${registry.repository("referrers")}/manifests/${name}`;
          expect.status(await registry.ask("DELETE", target), 202);
          const left = manifestsOf(await registry.ask("GET", path(registry, subject)));
          expect.check(!left.some(({ digest }) => digest === name), "it is still listed");
          expect.equal(left.length, Object.keys(REFERRERS).length - 1, "the count");
        },
      ],
    ],
  );

const none = plain("end-12 no referrers", [
  ...ALGORITHMS.flatMap((algorithm) =>
    ["referrers", "nowhere"].map(
      (slug): Check<undefined> => [
        "MUST",
        `an unknown ${algorithm} subject in ${slug} has an empty list`,
        async (_, registry) => {
          const answer = await registry.ask("GET", path(registry, unknownDigest(algorithm), slug));
          expect.equal(manifestsOf(answer), [], "manifests");
        },
      ],
    ),
  ),
  ...["sha256:short", "sha256:", "a-tag", `md5:${"0".repeat(32)}`].map(
    (name): Check<undefined> => [
      "MUST",
      `the subject ${name.slice(0, 20)} is 400`,
      async (_, registry) => expect.status(await registry.ask("GET", path(registry, name)), 400),
    ],
  ),
]);

export const referrers = [
  ...ALGORITHMS.flatMap((algorithm) => [
    known("after the subject", algorithm),
    known("before the subject", algorithm),
    known("without a subject", algorithm),
  ]),
  none,
];
