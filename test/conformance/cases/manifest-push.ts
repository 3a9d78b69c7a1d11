import { type Check, group } from "../judge/case.ts";
import { ALGORITHMS, type Algorithm, type Content, digestOf, nonce } from "../judge/content.ts";
import * as expect from "../judge/expect.ts";
import type { Answer } from "../judge/http.ts";
import { giveParts, putManifest } from "../judge/push.ts";
import { locationOf, type Registry } from "../judge/registry.ts";
import { KINDS } from "./manifest-kinds.ts";

type Pushed = {
  readonly content: Content;
  readonly name: string;
  readonly tag: string;
  readonly put: Answer;
  readonly got: Answer;
  readonly head: Answer;
};

const manifest = (registry: Registry, reference: string) =>
  `/v2/${registry.repository("manifests")}/manifests/${reference}`;

const read = (by: "tag" | "digest", algorithm: Algorithm): readonly Check<Pushed>[] => [
  ["MUST", "PUT is 201", ({ put }) => expect.status(put, 201)],
  [
    "MUST",
    "its Location can be pulled",
    async ({ put, content }, registry) => {
      expect.status(put, 201);
      expect.bytes(await registry.ask("GET", locationOf(put)), content.bytes);
    },
  ],
  [
    by === "tag" ? "SHOULD" : "MUST",
    "PUT names the digest",
    (it) => expect.header(it.put, "Docker-Content-Digest", it.name),
  ],
  ["MUST", "GET is 200", ({ got }) => expect.status(got, 200)],
  ["MUST", "GET has the very bytes", ({ got, content }) => expect.bytes(got, content.bytes)],
  ["MUST", "GET has the type that was pushed", ({ got, content }) => expect.mediaType(got, content.mediaType)],
  // Of the digest that an answer to a pull names, the algorithm may be another than the one asked for.
  [
    algorithm === "sha256" ? "MUST" : "PRACTICE",
    "GET names the digest",
    ({ got, name }) => expect.header(got, "Docker-Content-Digest", name),
  ],
  ["MUST", "HEAD is 200", ({ head }) => expect.status(head, 200)],
  ["MUST", "HEAD has the length", ({ head, content }) => expect.header(head, "Content-Length", content.bytes.length)],
  [
    "RFC",
    "HEAD has the headers of GET",
    ({ head, got }) => {
      for (const name of ["content-type", "docker-content-digest", "etag", "content-length"]) {
        expect.equal(head.headers[name], got.headers[name], name);
      }
    },
  ],
  ["RFC", "HEAD has no body", ({ head }) => expect.equal(head.body.length, 0, "the body's length")],
];

const subject: Check<Pushed> = [
  "MUST",
  "PUT tells by OCI-Subject that it saw the subject",
  ({ put, content }) => expect.header(put, "OCI-Subject", subjectOf(content) ?? ""),
];

const noSubject: Check<Pushed> = ["MUST", "PUT tells of no subject", ({ put }) => expect.noHeader(put, "OCI-Subject")];

const tagged: readonly Check<Pushed>[] = [
  [
    "MUST",
    "it can be had by its digest as well",
    async ({ name, content }, registry) =>
      expect.bytes(await registry.ask("GET", manifest(registry, name)), content.bytes),
  ],
  [
    "MUST",
    "its tag is listed",
    async ({ tag }, registry) => {
      const answer = await registry.ask("GET", `/v2/${registry.repository("manifests")}/tags/list`);
      expect.check(expect.json<{ tags: string[] }>(answer).tags.includes(tag), `${tag} is not listed`);
    },
  ],
  [
    "MAY",
    "DELETE of the tag is 202, and then it is 404",
    async ({ tag }, registry) => {
      expect.status(await registry.ask("DELETE", manifest(registry, tag)), 202);
      expect.status(await registry.ask("GET", manifest(registry, tag)), 404);
    },
  ],
  [
    "PRACTICE",
    "DELETE of the tag leaves the manifest",
    async ({ name }, registry) => expect.status(await registry.ask("HEAD", manifest(registry, name)), 200),
  ],
];

const deleted: Check<Pushed> = [
  "MUST",
  "DELETE by digest is 202, and then it is 404",
  async ({ name }, registry) => {
    expect.status(await registry.ask("DELETE", manifest(registry, name)), 202);
    expect.status(await registry.ask("GET", manifest(registry, name)), 404);
  },
];

const pushed = (kind: string, make: (algorithm: Algorithm) => Content, algorithm: Algorithm, by: "tag" | "digest") =>
  group(
    `manifest/${kind}/by ${by}/${algorithm}`,
    async (registry): Promise<Pushed> => {
      const content = make(algorithm);
      const [name, tag] = [digestOf(content), `t-${nonce()}`];
      await giveParts(registry, registry.repository("manifests"), content);
      const reference = by === "tag" ? tag : name;
      const put = await putManifest(registry, registry.repository("manifests"), reference, content);
      const [got, head] = [
        await registry.ask("GET", manifest(registry, reference)),
        await registry.ask("HEAD", manifest(registry, reference)),
      ];
      return { content, name, tag, put, got, head };
    },
    [
      ...read(by, algorithm),
      kind.includes("has a subject") ? subject : noSubject,
      ...(by === "tag" ? tagged : []),
      deleted,
    ],
  );

function subjectOf({ bytes }: Content): string | undefined {
  return (JSON.parse(bytes.toString()) as { subject?: { digest: string } }).subject?.digest;
}

export const manifestPush = Object.entries(KINDS).flatMap(([kind, make]) => [
  pushed(kind, make, "sha256", "tag"),
  // A tag alone says nothing of the algorithm, so another than sha256 is pushed by digest.
  ...ALGORITHMS.map((algorithm) => pushed(kind, make, algorithm, "digest")),
]);
