import { type Check, group } from "../judge/case.ts";
import { ALGORITHMS, type Algorithm, digest, fresh } from "../judge/content.ts";
import * as expect from "../judge/expect.ts";
import type { Answer } from "../judge/http.ts";
import { giveBlob, withDigest } from "../judge/push.ts";
import { locationOf, type Registry } from "../judge/registry.ts";

type Mounted = { readonly bytes: Buffer; readonly name: string; readonly answer: Answer };

const mount = (registry: Registry, query: string) =>
  registry.ask("POST", `/v2/${registry.repository("two")}/blobs/uploads/?${query}`);

const blob = (registry: Registry, slug: string, name: string) => `/v2/${registry.repository(slug)}/blobs/${name}`;

const mounts = (algorithm: Algorithm) =>
  group(
    `end-11 mount/${algorithm}`,
    async (registry): Promise<Mounted> => {
      const bytes = fresh();
      const name = await giveBlob(registry, registry.repository("one"), bytes, algorithm);
      return { bytes, name, answer: await mount(registry, `mount=${name}&from=${registry.repository("one")}`) };
    },
    [
      ["MUST", "is 201", ({ answer }) => expect.status(answer, 201)],
      [
        "MUST",
        "has a Location that can be pulled",
        async ({ answer, bytes }, registry) => {
          const got = await registry.ask("GET", locationOf(answer));
          expect.status(got, 200);
          expect.bytes(got, bytes);
        },
      ],
      ["SHOULD", "names the digest", ({ answer, name }) => expect.header(answer, "Docker-Content-Digest", name)],
      [
        "MUST",
        "puts the blob into the repository",
        async ({ name, bytes }, registry) => {
          const head = await registry.ask("HEAD", blob(registry, "two", name));
          expect.status(head, 200);
          expect.header(head, "Content-Length", bytes.length);
        },
      ],
      [
        "PRACTICE",
        "can be done again",
        async ({ name }, registry) =>
          expect.status(await mount(registry, `mount=${name}&from=${registry.repository("one")}`), 201),
      ],
      [
        "PRACTICE",
        "from the repository itself is 201",
        async ({ name }, registry) =>
          expect.status(await mount(registry, `mount=${name}&from=${registry.repository("two")}`), 201),
      ],
      [
        "PRACTICE",
        "outlives the deletion at its source",
        async ({ name, bytes }, registry) => {
          expect.status(await registry.ask("DELETE", blob(registry, "one", name)), 202);
          expect.status(await registry.ask("GET", blob(registry, "one", name)), 404);
          expect.bytes(await registry.ask("GET", blob(registry, "two", name)), bytes);
        },
      ],
    ],
  );

type Unmounted = { readonly answer: Answer; readonly bytes: Buffer; readonly name: string };

/** What is answered where a mount cannot be done: an upload, which takes the blob. */
const insteadAnUpload = (name: string, algorithm: Algorithm, query: (registry: Registry, name: string) => string) =>
  group(
    `end-11 no mount/${name}/${algorithm}`,
    async (registry): Promise<Unmounted> => {
      const bytes = fresh();
      const name = digest(bytes, algorithm);
      return { bytes, name, answer: await mount(registry, query(registry, name)) };
    },
    [
      ["SHOULD", "is 202", ({ answer }) => expect.status(answer, 202)],
      ["MUST", "has a Location", ({ answer }) => expect.header(answer, "Location", /./)],
      [
        "MUST",
        "has no blob yet",
        async ({ name }, registry) => expect.status(await registry.ask("HEAD", blob(registry, "two", name)), 404),
      ],
      [
        "SHOULD",
        "takes the blob in the upload that it began",
        async ({ answer, name, bytes }, registry) => {
          expect.status(answer, 202);
          expect.status(await registry.ask("PUT", withDigest(locationOf(answer), name), { body: bytes }), 201);
          expect.bytes(await registry.ask("GET", blob(registry, "two", name)), bytes);
        },
      ],
    ],
  );

const anywhere = (algorithm: Algorithm) =>
  group(
    `end-11 mount without from/${algorithm}`,
    async (registry): Promise<Unmounted> => {
      const bytes = fresh();
      const name = await giveBlob(registry, registry.repository("one"), bytes, algorithm);
      return { bytes, name, answer: await mount(registry, `mount=${name}`) };
    },
    [
      ["MUST", "is 201 or 202", ({ answer }) => expect.status(answer, 201, 202)],
      ["MUST", "has a Location", ({ answer }) => expect.header(answer, "Location", /./)],
      [
        "MUST",
        "ends with the blob in the repository",
        async ({ answer, bytes, name }, registry) => {
          if (answer.status === 202) {
            expect.status(await registry.ask("PUT", withDigest(locationOf(answer), name), { body: bytes }), 201);
          }
          expect.bytes(await registry.ask("GET", blob(registry, "two", name)), bytes);
        },
      ],
    ] satisfies readonly Check<Unmounted>[],
  );

export const mountCases = ALGORITHMS.flatMap((algorithm) => [
  mounts(algorithm),
  insteadAnUpload(
    "of a blob that is missing",
    algorithm,
    (registry, name) => `mount=${name}&from=${registry.repository("one")}`,
  ),
  insteadAnUpload(
    "from a repository that is not there",
    algorithm,
    (registry, name) => `mount=${name}&from=${registry.repository("nowhere")}`,
  ),
  insteadAnUpload("from what cannot be a name", algorithm, (_, name) => `mount=${name}&from=UPPER//case`),
  anywhere(algorithm),
]);
