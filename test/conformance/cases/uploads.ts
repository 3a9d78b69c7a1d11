import { type Check, group, plain } from "../judge/case.ts";
import { ALGORITHMS, type Algorithm, digest, fresh } from "../judge/content.ts";
import * as expect from "../judge/expect.ts";
import { chunk, start, withDigest } from "../judge/push.ts";
import { locationOf, type Registry } from "../judge/registry.ts";

const open = async (registry: Registry, slug = "one") => locationOf(await start(registry, registry.repository(slug)));

const METHODS = ["GET", "PATCH", "PUT", "DELETE"] as const;

function touch(registry: Registry, method: (typeof METHODS)[number], location: string) {
  const body = Buffer.from("x");
  if (method === "PUT") return registry.ask("PUT", withDigest(location, digest(body)), { body });
  return registry.ask(method, location, method === "PATCH" ? { body } : {});
}

const gone = (title: string, prepare: (registry: Registry) => Promise<string>) =>
  group(
    `upload ${title}`,
    prepare,
    METHODS.map(
      (method): Check<string> => [
        "PRACTICE",
        `${method} is 404, with the error document where there is a body`,
        async (location, registry) => {
          const answer = await touch(registry, method, location);
          expect.status(answer, 404);
          expect.errorDocument(answer, "BLOB_UPLOAD_UNKNOWN", "BLOB_UPLOAD_INVALID", "NAME_UNKNOWN");
        },
      ],
    ),
  );

const status = group("end-13", async (registry) => ({ location: await open(registry), bytes: fresh(1000) }), [
  [
    "MUST",
    "before the first chunk it is 204, with a Location",
    async ({ location }, registry) => {
      const answer = await registry.ask("GET", location);
      expect.status(answer, 204);
      expect.header(answer, "Location", /./);
    },
  ],
  [
    "MUST",
    "after a chunk it is 204, with the range",
    async ({ location, bytes }, registry) => {
      const patched = await registry.ask("PATCH", location, chunk(bytes, 0, 300));
      expect.status(patched, 202);
      const answer = await registry.ask("GET", locationOf(patched));
      expect.status(answer, 204);
      expect.header(answer, "Range", "0-299");
    },
  ],
  [
    "MUST",
    "its Location takes the next chunk",
    async ({ location, bytes }, registry) => {
      const next = locationOf(await registry.ask("GET", location));
      const patched = await registry.ask("PATCH", next, chunk(bytes, 300, 1000));
      expect.status(patched, 202);
      expect.header(patched, "Range", "0-999");
      expect.status(await registry.ask("PUT", withDigest(locationOf(patched), digest(bytes))), 201);
    },
  ],
]);

const cancelled = group(
  "end-14",
  async (registry) => {
    const bytes = fresh(500);
    const patched = await registry.ask("PATCH", await open(registry), chunk(bytes, 0, 500));
    return { bytes, location: locationOf(patched), answer: await registry.ask("DELETE", locationOf(patched)) };
  },
  [
    ["SHOULD", "DELETE is 204", ({ answer }) => expect.status(answer, 204)],
    ...METHODS.map(
      (method): Check<{ location: string }> => [
        "PRACTICE",
        `${method} is 404 afterwards`,
        async ({ location }, registry) => expect.status(await touch(registry, method, location), 404),
      ],
    ),
    [
      "PRACTICE",
      "what was sent is not a blob",
      async ({ bytes }, registry) =>
        expect.status(await registry.ask("HEAD", `/v2/${registry.repository("one")}/blobs/${digest(bytes)}`), 404),
    ],
  ],
);

const sessions = plain("upload sessions", [
  [
    "MUST",
    "each has a Location of its own",
    async (_, registry) => {
      const [one, two] = [await open(registry), await open(registry)];
      expect.check(one !== two, "two sessions are one");
    },
  ],
  [
    "PRACTICE",
    "two of the same blob both end well",
    async (_, registry) => {
      const bytes = fresh(4000);
      const locations = [await open(registry), await open(registry)];
      const put = (location: string) => registry.ask("PUT", withDigest(location, digest(bytes)), { body: bytes });
      for (const answer of await Promise.all(locations.map(put))) expect.status(answer, 201);
    },
  ],
  [
    "PRACTICE",
    "two beside each other do not mix",
    async (_, registry) => {
      const blobs = [fresh(600), fresh(600)] as const;
      const [one, two] = [await open(registry), await open(registry)];
      const first = await registry.ask("PATCH", one, chunk(blobs[0], 0, 300));
      const second = await registry.ask("PATCH", two, chunk(blobs[1], 0, 600));
      const third = await registry.ask("PATCH", locationOf(first), chunk(blobs[0], 300, 600));
      expect.status(await registry.ask("PUT", withDigest(locationOf(second), digest(blobs[1]))), 201);
      expect.status(await registry.ask("PUT", withDigest(locationOf(third), digest(blobs[0]))), 201);
    },
  ],
]);

const REFUSED: Readonly<Record<string, (location: string) => string>> = {
  "without a digest": (location) => location,
  "under an empty digest": (location) => withDigest(location, ""),
  "under a malformed digest": (location) => withDigest(location, "sha256:baddigeststring"),
  "under an unknown algorithm": (location) => withDigest(location, `sha1024:${"0".repeat(64)}`),
};

const ending = plain(
  "end-6",
  Object.entries(REFUSED).map(
    ([name, target]): Check<undefined> => [
      "MUST",
      `PUT ${name} is 400`,
      async (_, registry) => {
        const answer = await registry.ask("PUT", target(await open(registry)), { body: fresh() });
        expect.status(answer, 400);
        expect.errorDocument(answer, "DIGEST_INVALID");
      },
    ],
  ),
);

const empty = (algorithm: Algorithm) =>
  plain(`end-6/${algorithm}`, [
    [
      "MUST",
      "PUT of nothing under a digest of something is 400",
      async (_, registry) => {
        const answer = await registry.ask("PUT", withDigest(await open(registry), digest(fresh(), algorithm)));
        expect.status(answer, 400);
      },
    ],
  ]);

export const uploads = [
  status,
  cancelled,
  sessions,
  ending,
  ...ALGORITHMS.map(empty),
  gone("of another repository", async (registry) =>
    (await open(registry)).replace(registry.repository("one"), registry.repository("two")),
  ),
  gone("unknown", async (registry) =>
    (await open(registry)).replace(/[0-9a-f]{8}-[0-9a-f-]{27}/, "00000000-0000-4000-8000-000000000000"),
  ),
];
