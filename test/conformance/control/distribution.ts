import type { Outcome } from "../judge/case.ts";

/**
 * Where distribution 2.8.2, as Debian has it, is known to part from version 1.1 of the specification, or from what our
 * judge calls practice: the groups and names of the cases, and why.
 */
export const DEVIATIONS: readonly (readonly [pattern: RegExp, why: string])[] = [
  [/^end-12|OCI-Subject/, "it is of version 1.0: there are no referrers, and a subject means nothing to it"],
  [/sha512|of the other algorithm/, "a manifest has its sha256 only, and a sha512 blob is known by its sha256 as well"],
  [/tag legal.*deleted|end-9 with tags|DELETE of the tag|a tag that is deleted|DELETE a-tag/, "tags cannot be deleted"],
  [/^upload order/, "it does not look at Content-Range"],
  [/^end-13/, "an upload goes on at the last Location only"],
  [
    /^end-8|a repository with no tag/,
    "tags come in no order and all at once, and without a tag there is no repository",
  ],
  [/^blob range/, "its answer to an unsatisfiable range breaks off, and HEAD has ranges"],
  [/^methods/, "/v2/ answers every method, and blobs/uploads/ is an upload to GET"],
  [/elsewhere/, "a layer that is elsewhere is refused unless its address is on a list"],
  [/^manifest invalid/, "a manifest is not looked at closely; some of what is wrong is a 500"],
  [
    /^manifest unknown|under another digest|a blob is not a manifest|stays where it is/,
    "some of what is wrong is a 500",
  ],
  [/^manifest types/, "wildcards of Accept and a type that is only inside the manifest are not understood"],
  [/^manifest size/, "too large is 400"],
  [/^name illegal/, "a path is cleaned and redirected first, and a name too long is a 500"],
];

/** Failures that no known deviation explains, and deviations that no failure shows. */
export function compare(outcomes: readonly Outcome[]): { unexplained: string[]; unseen: string[] } {
  const failed = outcomes.filter(({ failure }) => failure !== undefined).map(({ group, name }) => `${group}: ${name}`);
  const unexplained = failed.filter((title) => !DEVIATIONS.some(([pattern]) => pattern.test(title)));
  const unseen = DEVIATIONS.filter(([pattern]) => !failed.some((title) => pattern.test(title))).map(([, why]) => why);
  return { unexplained, unseen };
}
