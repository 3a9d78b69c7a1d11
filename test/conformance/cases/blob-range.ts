import { type Check, group } from "../judge/case.ts";
import { ALGORITHMS, type Algorithm, fresh } from "../judge/content.ts";
import * as expect from "../judge/expect.ts";
import type { Answer, Ask } from "../judge/http.ts";
import { giveBlob } from "../judge/push.ts";
import type { Registry } from "../judge/registry.ts";

const SIZE = 2048;

type Given = { readonly path: string; readonly bytes: Buffer };

/** What a `Range` asks for, and the first and last byte of the answer. */
const PARTS: readonly (readonly [range: string, from: number, to: number])[] = [
  ["0-0", 0, 0],
  ["0-99", 0, 99],
  ["500-1499", 500, 1499],
  ["2047-2047", 2047, 2047],
  ["0-2047", 0, 2047],
  ["500-", 500, 2047],
  ["2047-", 2047, 2047],
  ["-1", 2047, 2047],
  ["-500", 1548, 2047],
  ["-5000", 0, 2047],
  ["2000-5000", 2000, 2047],
];

const OUTSIDE = ["2048-", "2048-2048", "5000-10000", "500-0", "-0"];

async function ranged({ path }: Given, registry: Registry, range: string, headers: Ask["headers"] = {}) {
  return registry.ask("GET", path, { headers: { Range: range, ...headers } });
}

function partial(answer: Answer, bytes: Buffer, from: number, to: number): void {
  expect.status(answer, 206);
  expect.bytes(answer, bytes.subarray(from, to + 1));
}

/** The whole blob: the answer to a range that a server need not, or must not, understand. */
function whole(answer: Answer, bytes: Buffer): void {
  expect.status(answer, 200);
  expect.bytes(answer, bytes);
}

const parts = PARTS.flatMap(([range, from, to]): Check<Given>[] => [
  [
    "SHOULD",
    `bytes=${range} is 206 with those bytes`,
    async (given, registry) => partial(await ranged(given, registry, `bytes=${range}`), given.bytes, from, to),
  ],
  [
    "RFC",
    `bytes=${range} has their Content-Range and length`,
    async (given, registry) => {
      const answer = await ranged(given, registry, `bytes=${range}`);
      expect.header(answer, "Content-Range", new RegExp(`^bytes ${from}-${to}/(${SIZE}|\\*)$`));
      expect.header(answer, "Content-Length", to - from + 1);
    },
  ],
]);

const outside = OUTSIDE.flatMap((range): Check<Given>[] => [
  [
    range === "500-0" ? "PRACTICE" : "RFC",
    `bytes=${range} is 416`,
    async (given, registry) => expect.status(await ranged(given, registry, `bytes=${range}`), 416),
  ],
  [
    "RFC",
    `bytes=${range} is told the blob's size`,
    async (given, registry) =>
      expect.header(await ranged(given, registry, `bytes=${range}`), "Content-Range", `bytes */${SIZE}`),
  ],
]);

const special: readonly Check<Given>[] = [
  [
    "RFC",
    "another unit is passed over",
    async (given, registry) => whole(await ranged(given, registry, "lines=0-1"), given.bytes),
  ],
  [
    "RFC",
    "several ranges are all answered, or passed over",
    async (given, registry) => {
      const answer = await ranged(given, registry, "bytes=0-1,100-101");
      if (answer.status === 206) expect.header(answer, "Content-Type", /^multipart\/byteranges/);
      else whole(answer, given.bytes);
    },
  ],
  [
    "RFC",
    "nonsense is passed over, or refused",
    async (given, registry) => expect.status(await ranged(given, registry, "bytes=a-b"), 200, 400, 416),
  ],
  [
    "RFC",
    "HEAD has no ranges",
    async ({ path }, registry) => {
      const answer = await registry.ask("HEAD", path, { headers: { Range: "bytes=0-99" } });
      expect.status(answer, 200);
      expect.header(answer, "Content-Length", SIZE);
    },
  ],
  [
    "RFC",
    "ranges are announced",
    async ({ path }, registry) => expect.header(await registry.ask("HEAD", path), "Accept-Ranges", "bytes"),
  ],
  [
    "RFC",
    "If-Range with the blob's tag is a part",
    async (given, registry) => {
      const { headers } = await registry.ask("HEAD", given.path);
      expect.check(headers.etag !== undefined, "there is no ETag");
      partial(await ranged(given, registry, "bytes=0-9", { "If-Range": headers.etag }), given.bytes, 0, 9);
    },
  ],
  [
    "RFC",
    "If-Range with another tag is the whole",
    async (given, registry) =>
      whole(await ranged(given, registry, "bytes=0-9", { "If-Range": '"another"' }), given.bytes),
  ],
  [
    "SHOULD",
    "a broken pull is gone on with",
    async (given, registry) => {
      const [head, rest] = [
        await ranged(given, registry, "bytes=0-699"),
        await ranged(given, registry, "bytes=700-"),
      ] as const;
      expect.check(Buffer.concat([head.body, rest.body]).equals(given.bytes), "the two parts are not the blob");
    },
  ],
];

const ranges = (algorithm: Algorithm) =>
  group(
    `blob range/${algorithm}`,
    async (registry): Promise<Given> => {
      const bytes = fresh(SIZE);
      const name = await giveBlob(registry, registry.repository("one"), bytes, algorithm);
      return { bytes, path: `/v2/${registry.repository("one")}/blobs/${name}` };
    },
    [...parts, ...outside, ...special],
  );

export const blobRange = ALGORITHMS.map(ranges);
