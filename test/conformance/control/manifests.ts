import { digest } from "../judge/content.ts";
import {
  alters,
  always,
  answers,
  broken,
  drops,
  flipsAByte,
  MANIFEST,
  OTHER,
  requests,
  rewrites,
  says,
  sets,
} from "./changes.ts";
import type { Mutation, Passing } from "./proxy.ts";

const IMAGE = "manifest/image/";
const WITH_SUBJECT = "manifest/artifact that has a subject";
const otherDigest = alters("docker-content-digest", () => OTHER);

/** Stores a manifest under the digest that it has, not under the one in its path. */
function trusts(passing: Passing): undefined {
  const algorithm = passing.path.includes("sha512:") ? "sha512" : "sha256";
  passing.path = passing.path.replace(/[^/]+$/, digest(passing.body, algorithm));
}

export const MANIFESTS: readonly Mutation[] = [
  broken("a byte of a manifest is flipped", IMAGE, answers("GET", MANIFEST, flipsAByte)),
  broken(
    "a manifest is written anew",
    "manifest/image, indented",
    answers(
      "GET",
      MANIFEST,
      rewrites(() => undefined),
    ),
  ),
  broken(
    "a manifest loses what is not known",
    "manifest/image with unknown fields",
    answers(
      "GET",
      MANIFEST,
      rewrites((body) => delete body["org.example.unknown"]),
    ),
  ),
  broken("a manifest is plain JSON", IMAGE, answers("GET|HEAD", MANIFEST, sets("content-type", "application/json"))),
  broken("HEAD has another type than GET", IMAGE, answers("HEAD", MANIFEST, sets("content-type", "text/plain"))),
  broken("HEAD of a manifest is 404", IMAGE, answers("HEAD", MANIFEST, says(200, 404))),
  broken("a manifest has another digest", IMAGE, answers("GET|HEAD", MANIFEST, otherDigest)),
  broken("a push names another digest", IMAGE, answers("PUT", MANIFEST, otherDigest)),
  broken("a manifest is pushed with 200", IMAGE, answers("PUT", MANIFEST, says(201, 200))),
  broken("a push has no Location", IMAGE, answers("PUT", MANIFEST, drops("location"))),
  broken("OCI-Subject is left out", WITH_SUBJECT, answers("PUT", MANIFEST, drops("oci-subject"))),
  broken("OCI-Subject is another's", WITH_SUBJECT, answers("PUT", MANIFEST, sets("oci-subject", OTHER))),
  broken("OCI-Subject is always there", IMAGE, answers("PUT", MANIFEST, sets("oci-subject", OTHER))),
  broken("a wrong digest is taken", "manifest under another digest", requests("PUT", MANIFEST, trusts)),
  broken("what is no manifest is 201", "manifest invalid", answers("PUT", MANIFEST, says(400, 201))),
  broken("what lacks its blobs is 201", "manifest without its", answers("PUT", MANIFEST, says(404, 201))),
  broken(
    "4 MiB are too large",
    "manifest/image of 4 MiB",
    requests("PUT", MANIFEST, ({ body }) => (body.length > 4_000_000 ? { status: 413 } : undefined)),
  ),
  broken("too large is 400", "manifest size", answers("PUT", MANIFEST, says(413, 400))),
  broken(
    "Docker's types are refused",
    "manifest/Docker",
    requests("PUT", MANIFEST, ({ headers }) =>
      headers["content-type"]?.includes("docker") ? { status: 415 } : undefined,
    ),
  ),
  broken("an unknown manifest is 400", "manifest unknown", answers("GET|HEAD", MANIFEST, says(404, 400))),
  broken("manifests are deleted in word only", "end-9", requests("DELETE", MANIFEST, always(202))),
  broken("a tag that is moved stays", "manifest tag moved", {
    request: (() => {
      const pushed = new Set<string>();
      return ({ method, path }: Passing) => {
        if (method !== "PUT" || !/\/manifests\/t-/.test(path)) return undefined;
        if (pushed.has(path)) return { status: 201, headers: { location: path } };
        pushed.add(path);
        return undefined;
      };
    })(),
  }),
];
