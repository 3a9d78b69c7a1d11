import { alters, always, answers, BLOB, broken, drops, flipsAByte, OTHER, requests, says, sets } from "./changes.ts";
import type { Mutation } from "./proxy.ts";

const digest = "docker-content-digest";

export const BLOBS: readonly Mutation[] = [
  broken("a part of a blob is 200", "blob range", answers("GET", BLOB, says(206, 200))),
  broken("a part has no Content-Range", "blob range", answers("GET", BLOB, drops("content-range"))),
  broken(
    "a part's Content-Range is one too far",
    "blob range",
    answers(
      "GET",
      BLOB,
      alters("content-range", (value) => value.replace(/-(\d+)\//, (_, end) => `-${Number(end) + 1}/`)),
    ),
  ),
  broken("ranges are not known", "blob range", requests("GET", BLOB, drops("range"))),
  broken("a range outside is 200", "blob range", answers("GET", BLOB, says(416, 200))),
  broken("a byte of a blob is flipped", "blob push", answers("GET", BLOB, flipsAByte)),
  broken("a byte of a part is flipped", "blob range", answers("GET", BLOB, flipsAByte)),
  broken(
    "a blob's last byte is missing",
    "blob content",
    answers("GET", BLOB, (returning) => {
      returning.body = returning.body.subarray(0, -1);
    }),
  ),
  broken(
    "a blob has another digest",
    "blob push",
    answers(
      "GET",
      BLOB,
      alters(digest, () => OTHER),
    ),
  ),
  broken("HEAD of a blob has no digest", "blob push", answers("HEAD", BLOB, drops(digest))),
  broken("HEAD of a blob has no length", "blob push", answers("HEAD", BLOB, drops("content-length"))),
  broken("an unknown blob is 200", "blob unknown", answers("HEAD|GET", BLOB, says(404, 200))),
  broken("an unknown blob is 403", "blob unknown", answers("HEAD|GET", BLOB, says(404, 403))),
  broken("blobs are deleted in word only", "end-10", requests("DELETE", BLOB, always(202))),
  broken("a deletion is 200", "end-10", answers("DELETE", BLOB, says(202, 200))),
  broken("an error is plain text", "blob unknown", answers("GET", BLOB, sets("content-type", "text/plain"))),
  broken(
    "an error's code is in lower case",
    "blob unknown",
    answers("GET", BLOB, (returning) => {
      if (returning.status === 404) returning.body = Buffer.from(returning.body.toString().toLowerCase());
    }),
  ),
];
