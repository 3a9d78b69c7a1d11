import {
  alters,
  always,
  answers,
  broken,
  drops,
  leads,
  MANIFEST,
  REFERRERS,
  requests,
  rewrites,
  says,
  sets,
  TAGS,
} from "./changes.ts";
import type { Mutation } from "./proxy.ts";

const tags = (change: (tags: string[]) => void) => rewrites((body) => change(body.tags as string[]));

const entries = (change: (entry: Record<string, unknown>) => void) =>
  rewrites(({ manifests }) => (manifests as Record<string, unknown>[]).forEach(change));

export const LISTINGS: readonly Mutation[] = [
  broken("tags have no Link", "end-8", answers("GET", TAGS, drops("link"))),
  broken(
    "a Link has another relation",
    "end-8",
    answers(
      "GET",
      TAGS,
      alters("link", (link) => link.replace("next", "last")),
    ),
  ),
  broken(
    "a Link leads back to the start",
    "end-8",
    answers(
      "GET",
      TAGS,
      alters("link", (link) => link.replace(/&last=[^>]*/, "")),
    ),
  ),
  broken(
    "tags are in disorder",
    "end-8",
    answers(
      "GET",
      TAGS,
      tags((all) => all.reverse()),
    ),
  ),
  broken(
    "the first tag is missing",
    "end-8",
    answers(
      "GET",
      TAGS,
      tags((all) => all.shift()),
    ),
  ),
  broken("n is passed over", "end-8", requests("GET", TAGS, leads(/n=\d+&?/, ""))),
  broken("last is passed over", "end-8", requests("GET", TAGS, leads(/last=[^&]+/, ""))),
  broken("n=0 is as none", "end-8", requests("GET", TAGS, leads(/n=0$/, ""))),
  broken(
    "a list without tags is null",
    "tags changing",
    answers(
      "GET",
      TAGS,
      rewrites((body) => {
        if ((body.tags as string[]).length === 0) body.tags = null;
      }),
    ),
  ),
  broken("a repository that is not there has no tags", "tags changing", answers("GET", TAGS, says(404, 200))),
  broken(
    "the list has another name",
    "end-8",
    answers(
      "GET",
      TAGS,
      rewrites((body) => {
        body.name = "another";
      }),
    ),
  ),
  broken(
    "no referrers are 404",
    "end-12 no referrers",
    answers("GET", REFERRERS, (returning) => {
      if (returning.body.includes('"manifests":[]')) returning.status = 404;
    }),
  ),
  broken("a malformed subject is 404", "end-12 no referrers", answers("GET", REFERRERS, says(400, 404))),
  broken("referrers are plain JSON", "end-12", answers("GET", REFERRERS, sets("content-type", "application/json"))),
  broken(
    "a referrer has no annotations",
    "end-12",
    answers(
      "GET",
      REFERRERS,
      entries((entry) => delete entry.annotations),
    ),
  ),
  broken(
    "a referrer has no artifactType",
    "end-12",
    answers(
      "GET",
      REFERRERS,
      entries((entry) => delete entry.artifactType),
    ),
  ),
  broken(
    "an index has an artifactType of its own",
    "end-12",
    answers(
      "GET",
      REFERRERS,
      entries((entry) => {
        entry.artifactType ??= entry.mediaType;
      }),
    ),
  ),
  broken(
    "a referrer has another size",
    "end-12",
    answers(
      "GET",
      REFERRERS,
      entries((entry) => {
        entry.size = 1;
      }),
    ),
  ),
  broken("referrers are not filtered", "end-12", requests("GET", REFERRERS, leads(/\?.*/, ""))),
  broken("OCI-Filters-Applied is left out", "end-12", answers("GET", REFERRERS, drops("oci-filters-applied"))),
  broken("a deleted referrer is still there", "end-12", requests("DELETE", MANIFEST, always(202))),
];
