import { type Check, group } from "../judge/case.ts";
import { ALGORITHMS, type Algorithm, digest, fresh } from "../judge/content.ts";
import * as expect from "../judge/expect.ts";
import type { Answer, Ask } from "../judge/http.ts";
import { chunk, start, withDigest } from "../judge/push.ts";
import { locationOf, type Registry } from "../judge/registry.ts";

const SIZE = 900;
const OCTETS = { "Content-Type": "application/octet-stream" };

type Refused = {
  readonly bytes: Buffer;
  readonly held: number;
  /** Where the upload goes on. */
  readonly location: string;
  readonly answer: Answer;
};

/** What is sent after so many bytes, and that it is out of order. */
type Disorder = {
  readonly held: number;
  readonly method: "PATCH" | "PUT";
  readonly sent: (bytes: Buffer) => Ask;
};

const DISORDERS: Readonly<Record<string, Disorder>> = {
  "a first chunk that is not the first": { held: 0, method: "PATCH", sent: (bytes) => chunk(bytes, 300, 600) },
  "a chunk behind a gap": { held: 300, method: "PATCH", sent: (bytes) => chunk(bytes, 600, SIZE) },
  "a chunk again": { held: 300, method: "PATCH", sent: (bytes) => chunk(bytes, 0, 300) },
  "a chunk that overlaps": { held: 300, method: "PATCH", sent: (bytes) => chunk(bytes, 299, 600) },
  "a last chunk behind a gap": { held: 300, method: "PUT", sent: (bytes) => chunk(bytes, 600, SIZE) },
  "a last chunk from the start": { held: 300, method: "PUT", sent: (bytes) => chunk(bytes, 0, SIZE) },
};

const disorder = (name: string, { held, method, sent }: Disorder, algorithm: Algorithm) =>
  group(
    `upload order/${name}/${algorithm}`,
    async (registry): Promise<Refused> => {
      const bytes = fresh(SIZE);
      let location = await hold(registry, bytes, held);
      const target = method === "PUT" ? withDigest(location, digest(bytes, algorithm)) : location;
      const answer = await registry.ask(method, target, sent(bytes));
      if (answer.headers.location !== undefined) location = locationOf(answer);
      return { bytes, held, location, answer };
    },
    afterwards(algorithm),
  );

const afterwards = (algorithm: Algorithm): readonly Check<Refused>[] => [
  ["MUST", "is 416", ({ answer }) => expect.status(answer, 416)],
  [
    "MUST",
    "leaves the upload where it was",
    async ({ location, held }, registry) => {
      const answer = await registry.ask("GET", location);
      expect.status(answer, 204);
      if (held > 0) expect.header(answer, "Range", `0-${held - 1}`);
    },
  ],
  [
    "MUST",
    "lets the upload go on in order, to its end",
    async ({ bytes, held, location }, registry) => {
      const patched = await registry.ask("PATCH", location, chunk(bytes, held, SIZE));
      expect.status(patched, 202);
      const name = digest(bytes, algorithm);
      expect.status(await registry.ask("PUT", withDigest(locationOf(patched), name)), 201);
      const got = await registry.ask("GET", `/v2/${registry.repository("one")}/blobs/${name}`);
      expect.bytes(got, bytes);
    },
  ],
];

const FALSE_RANGES: Readonly<Record<string, (bytes: Buffer) => Ask>> = {
  "longer than the chunk": (bytes) => ({
    headers: { ...OCTETS, "Content-Range": "0-599" },
    body: bytes.subarray(0, 300),
  }),
  "shorter than the chunk": (bytes) => ({
    headers: { ...OCTETS, "Content-Range": "0-99" },
    body: bytes.subarray(0, 300),
  }),
  "that runs backwards": (bytes) => ({
    headers: { ...OCTETS, "Content-Range": "299-0" },
    body: bytes.subarray(0, 300),
  }),
  "that is not one": (bytes) => ({ headers: { ...OCTETS, "Content-Range": "all" }, body: bytes.subarray(0, 300) }),
};

const falseRange = (name: string, sent: (bytes: Buffer) => Ask) =>
  group(
    `upload order/a Content-Range ${name}`,
    async (registry) => {
      const bytes = fresh(SIZE);
      const location = await hold(registry, bytes, 0);
      return { bytes, location, answer: await registry.ask("PATCH", location, sent(bytes)) };
    },
    [
      ["PRACTICE", "is 400 or 416", ({ answer }) => expect.status(answer, 400, 416)],
      [
        "PRACTICE",
        "stores nothing",
        async ({ bytes, location }, registry) => {
          await registry.ask("PUT", withDigest(location, digest(bytes.subarray(0, 300))));
          const path = `/v2/${registry.repository("one")}/blobs/${digest(bytes.subarray(0, 300))}`;
          expect.status(await registry.ask("HEAD", path), 404);
        },
      ],
    ],
  );

/** A session that holds the first bytes. Returns where it goes on. */
async function hold(registry: Registry, bytes: Buffer, held: number): Promise<string> {
  const started = await start(registry, registry.repository("one"));
  if (held === 0) return locationOf(started);
  const patched = await registry.ask("PATCH", locationOf(started), chunk(bytes, 0, held));
  expect.status(patched, 202);
  return locationOf(patched);
}

export const uploadOrder = [
  ...Object.entries(DISORDERS).flatMap(([name, row]) => ALGORITHMS.map((algorithm) => disorder(name, row, algorithm))),
  ...Object.entries(FALSE_RANGES).map(([name, sent]) => falseRange(name, sent)),
];
