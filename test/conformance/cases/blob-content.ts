import { type Check, group, plain } from "../judge/case.ts";
import { ALGORITHMS, type Algorithm, digest, fresh, unknownDigest } from "../judge/content.ts";
import * as expect from "../judge/expect.ts";
import { giveBlob, push, WAYS } from "../judge/push.ts";

const SIZES: Readonly<Record<string, () => Buffer>> = {
  "no byte": () => Buffer.alloc(0),
  "the empty JSON": () => Buffer.from("{}"),
  "one byte": () => fresh(1),
  "64 KiB and one byte": () => fresh(65_537),
  "5 MiB": () => fresh(5 * 1024 * 1024),
  "only zeros": () => Buffer.alloc(10_000),
};

const sized = (name: string, make: () => Buffer, way: "POST then PUT" | "single POST", algorithm: Algorithm) =>
  group(
    `blob content/${name}/${way}/${algorithm}`,
    async (registry) => {
      const bytes = make();
      const repository = registry.repository("two");
      const pushed = await push(WAYS[way] as (typeof WAYS)[string], registry, {
        repository,
        bytes,
        digest: digest(bytes, algorithm),
      });
      return { ...pushed, path: `/v2/${repository}/blobs/${pushed.digest}` };
    },
    [
      ["MUST", "is accepted", ({ last }) => expect.status(last, 201)],
      [
        "MUST",
        "HEAD has its length",
        async ({ path, bytes }, registry) => {
          const answer = await registry.ask("HEAD", path);
          expect.status(answer, 200);
          expect.header(answer, "Content-Length", bytes.length);
        },
      ],
      [
        "MUST",
        "GET has its bytes",
        async ({ path, bytes }, registry) => {
          const answer = await registry.ask("GET", path);
          expect.status(answer, 200);
          expect.bytes(answer, bytes);
        },
      ],
      [
        "MUST",
        "is accepted again",
        async ({ repository, bytes }, registry) => void (await giveBlob(registry, repository, bytes, algorithm)),
      ],
    ],
  );

const unknown = (algorithm: Algorithm) =>
  plain(`blob unknown/${algorithm}`, [
    ...(["GET", "HEAD", "DELETE"] as const).flatMap((method): Check<undefined>[] =>
      ["one", "nowhere"].map((slug) => [
        "MUST",
        `${method} in the repository ${slug} is 404`,
        async (_, registry) => {
          const path = `/v2/${registry.repository(slug)}/blobs/${unknownDigest(algorithm)}`;
          expect.status(await registry.ask(method, path), 404);
        },
      ]),
    ),
    [
      "MUST",
      "GET has the error document",
      async (_, registry) => {
        const path = `/v2/${registry.repository("one")}/blobs/${unknownDigest(algorithm)}`;
        expect.errorDocument(await registry.ask("GET", path), "BLOB_UNKNOWN");
      },
    ],
    [
      "PRACTICE",
      "a blob of one repository is not another's",
      async (_, registry) => {
        const name = await giveBlob(registry, registry.repository("one"), fresh(), algorithm);
        expect.status(await registry.ask("GET", `/v2/${registry.repository("two")}/blobs/${name}`), 404);
        expect.status(await registry.ask("HEAD", `/v2/${registry.repository("two")}/blobs/${name}`), 404);
      },
    ],
    [
      "PRACTICE",
      "a digest of the other algorithm is another blob",
      async (_, registry) => {
        const bytes = fresh();
        const other = algorithm === "sha256" ? "sha512" : "sha256";
        await giveBlob(registry, registry.repository("one"), bytes, algorithm);
        const path = `/v2/${registry.repository("one")}/blobs/${digest(bytes, other)}`;
        expect.status(await registry.ask("GET", path), 404);
      },
    ],
  ]);

const hex = unknownDigest().slice("sha256:".length);

const MALFORMED: Readonly<Record<string, string>> = {
  "without an algorithm": hex,
  "without a value": "sha256:",
  "too short": `sha256:${hex.slice(1)}`,
  "too long": `sha256:${hex}0`,
  "in upper case": `sha256:${hex.toUpperCase().replace(/^./, "A")}`,
  "that is not hex": `sha256:${hex.slice(1)}g`,
  "of an unknown algorithm": `sha1024:${hex}`,
  "of the other length": `sha512:${hex}`,
  "with a word": "sha256:baddigeststring",
  "in upper-case algorithm": `SHA256:${hex}`,
};

const malformed = plain(
  "blob by a malformed digest",
  Object.entries(MALFORMED).flatMap(([name, text]): Check<undefined>[] => [
    [
      "MUST",
      `GET of a digest ${name} is 400 or 404`,
      async (_, registry) =>
        expect.status(await registry.ask("GET", `/v2/${registry.repository("one")}/blobs/${text}`), 400, 404),
    ],
    [
      "MUST",
      `a push under a digest ${name} is 400`,
      async (_, registry) => {
        const pushed = { repository: registry.repository("one"), bytes: fresh(), digest: text };
        const { last: answer } = await push(WAYS["single POST"] as (typeof WAYS)[string], registry, pushed);
        expect.status(answer, 400);
        expect.errorDocument(answer, "DIGEST_INVALID");
      },
    ],
  ]),
);

export const blobContent = [
  ...Object.entries(SIZES).flatMap(([name, make]) =>
    ALGORITHMS.flatMap((algorithm) => [
      sized(name, make, "POST then PUT", algorithm),
      sized(name, make, "single POST", algorithm),
    ]),
  ),
  ...ALGORITHMS.map(unknown),
  malformed,
];
