import { type Check, group, type Level } from "../judge/case.ts";
import { ALGORITHMS, type Algorithm, digest, fresh, unknownDigest } from "../judge/content.ts";
import * as expect from "../judge/expect.ts";
import type { Answer } from "../judge/http.ts";
import { type Push, type Pushed, push, WAYS } from "../judge/push.ts";
import { locationOf, type Registry } from "../judge/registry.ts";

type Read = Pushed & { readonly got: Answer; readonly head: Answer };

const first = ({ steps }: Pushed) => steps[0]?.answer as Answer;
const patches = ({ steps }: Pushed) => steps.filter(({ answer }) => answer.method === "PATCH");

/** Of the digest that an answer names, the specification lets the algorithm be another than the one asked for. */
const naming = (algorithm: Algorithm): Level => (algorithm === "sha256" ? "MUST" : "PRACTICE");

const always = (algorithm: Algorithm): readonly Check<Read>[] => [
  ["MUST", "it ends with 201", ({ last }) => expect.status(last, 201)],
  [
    "MUST",
    "its Location can be pulled",
    async ({ last, bytes }, registry) => {
      expect.status(last, 201);
      const answer = await registry.ask("GET", locationOf(last));
      expect.status(answer, 200);
      expect.bytes(answer, bytes);
    },
  ],
  ["SHOULD", "the end names the digest", ({ last, digest }) => expect.header(last, "Docker-Content-Digest", digest)],
  ["MUST", "GET is 200", ({ got }) => expect.status(got, 200)],
  ["MUST", "GET has the bytes", ({ got, bytes }) => expect.bytes(got, bytes)],
  [naming(algorithm), "GET names the digest", ({ got, digest }) => expect.header(got, "Docker-Content-Digest", digest)],
  ["SHOULD", "GET has the length", ({ got, bytes }) => expect.header(got, "Content-Length", bytes.length)],
  ["MUST", "HEAD is 200", ({ head }) => expect.status(head, 200)],
  ["MUST", "HEAD has the length", ({ head, bytes }) => expect.header(head, "Content-Length", bytes.length)],
  [
    naming(algorithm),
    "HEAD names the digest",
    ({ head, digest }) => expect.header(head, "Docker-Content-Digest", digest),
  ],
  ["RFC", "HEAD has no body", ({ head }) => expect.equal(head.body.length, 0, "the body's length")],
];

const ofSession: readonly Check<Read>[] = [
  ["MUST", "POST is 202", (pushed) => expect.status(first(pushed), 202)],
  ["MUST", "POST has a Location", (pushed) => expect.header(first(pushed), "Location", /./)],
  [
    "PRACTICE",
    "the session is over afterwards",
    async (pushed, registry) => expect.status(await registry.ask("GET", locationOf(first(pushed))), 404),
  ],
];

const ofChunks: readonly Check<Read>[] = [
  [
    "MUST",
    "each PATCH is 202",
    (pushed) => {
      expect.check(patches(pushed).length > 0, "no PATCH was sent");
      for (const { answer } of patches(pushed)) expect.status(answer, 202);
    },
  ],
  [
    "MUST",
    "each PATCH has a Location",
    (pushed) => {
      for (const { answer } of patches(pushed)) expect.header(answer, "Location", /./);
    },
  ],
  [
    "MUST",
    "each PATCH tells the range so far",
    (pushed) => {
      for (const { answer, held } of patches(pushed)) expect.header(answer, "Range", `0-${held - 1}`);
    },
  ],
];

function accepted(name: string, way: Push, algorithm: Algorithm) {
  const checks = [
    ...(name === "single POST" ? [] : ofSession),
    ...(/PATCH|chunk/.test(name) ? ofChunks : []),
    ...always(algorithm),
  ];
  return group(
    `blob push/${name}/${algorithm}`,
    async (registry) => {
      const bytes = fresh(2000);
      const repository = registry.repository("one");
      const pushed = await push(way, registry, { repository, bytes, digest: digest(bytes, algorithm) });
      return { ...pushed, ...(await read(registry, repository, pushed.digest)) };
    },
    checks,
  );
}

async function read(registry: Registry, repository: string, name: string) {
  const path = `/v2/${repository}/blobs/${name}`;
  return { got: await registry.ask("GET", path), head: await registry.ask("HEAD", path) };
}

const refused: readonly Check<Pushed>[] = [
  ["MUST", "it ends with 400", ({ last }) => expect.status(last, 400)],
  ["MUST", "the error is DIGEST_INVALID", ({ last }) => expect.errorDocument(last, "DIGEST_INVALID")],
  [
    "MUST",
    "nothing is there under the digest that was claimed",
    async ({ repository, digest }, registry) =>
      expect.status(await registry.ask("GET", `/v2/${repository}/blobs/${digest}`), 404),
  ],
  ...ALGORITHMS.map(
    (algorithm): Check<Pushed> => [
      "PRACTICE",
      `nothing is there under its own ${algorithm}`,
      async ({ repository, bytes }, registry) =>
        expect.status(await registry.ask("HEAD", `/v2/${repository}/blobs/${digest(bytes, algorithm)}`), 404),
    ],
  ),
];

function mismatched(name: string, way: Push, algorithm: Algorithm) {
  return group(
    `blob of another digest/${name}/${algorithm}`,
    (registry) => {
      const content = { repository: registry.repository("one"), bytes: fresh(900), digest: unknownDigest(algorithm) };
      return push(way, registry, content);
    },
    refused,
  );
}

const everyWay = Object.entries(WAYS).flatMap(([name, way]) =>
  ALGORITHMS.map((algorithm) => ({ name, way, algorithm })),
);

export const blobPush = [
  ...everyWay.map(({ name, way, algorithm }) => accepted(name, way, algorithm)),
  ...everyWay.map(({ name, way, algorithm }) => mismatched(name, way, algorithm)),
];
