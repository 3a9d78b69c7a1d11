import { digest } from "../judge/content.ts";
import { alters, always, answers, broken, drops, leads, requests, says, UPLOAD } from "./changes.ts";
import type { Mutation, Passing } from "./proxy.ts";

/** Stores what comes under the digest that it has, not under the one that was claimed. */
function trusts(passing: Passing): undefined {
  if (passing.body.length === 0) return;
  const algorithm = passing.path.includes("digest=sha512") ? "sha512" : "sha256";
  passing.path = passing.path.replace(/digest=[^&]*/, `digest=${digest(passing.body, algorithm)}`);
}

export const PUSHES: readonly Mutation[] = [
  broken("a wrong digest is taken", "blob of another digest", requests("POST|PUT", UPLOAD, trusts)),
  broken("a wrong digest is 201", "blob of another digest", answers("POST|PUT", UPLOAD, says(400, 201))),
  broken("a wrong digest is 404", "blob of another digest", answers("POST|PUT", UPLOAD, says(400, 404))),
  broken("an upload is begun with 200", "blob push", answers("POST", UPLOAD, says(202, 200))),
  broken("an upload is begun without a Location", "blob push", answers("POST", UPLOAD, drops("location"))),
  broken("an upload ends without a Location", "blob push", answers("PUT", UPLOAD, drops("location"))),
  broken("an upload ends with 200", "blob push", answers("PUT", UPLOAD, says(201, 200))),
  broken("a chunk is 204", "blob push", answers("PATCH", UPLOAD, says(202, 204))),
  broken("a chunk has no Range", "blob push", answers("PATCH", UPLOAD, drops("range"))),
  broken(
    "a chunk's Range is one too far",
    "blob push",
    answers(
      "PATCH",
      UPLOAD,
      alters("range", (range) => range.replace(/\d+$/, (end) => `${Number(end) + 1}`)),
    ),
  ),
  broken("the order of chunks is not looked at", "upload order", requests("PATCH|PUT", UPLOAD, drops("content-range"))),
  broken("a chunk out of order is 400", "upload order", answers("PATCH|PUT", UPLOAD, says(416, 400))),
  broken("the state of an upload is 200", "end-13", answers("GET", UPLOAD, says(204, 200))),
  broken("the state of an upload has no Range", "end-13", answers("GET", UPLOAD, drops("range"))),
  broken("uploads are cancelled in word only", "end-14", requests("DELETE", UPLOAD, always(204))),
  broken("nothing is mounted", "end-11 mount", requests("POST", /mount=/, leads(/\?.*/, ""))),
  broken("what cannot be mounted is 404", "end-11 no mount", answers("POST", /mount=/, says(202, 404))),
  broken(
    "an empty blob is refused",
    "blob content/no byte",
    requests("PUT|POST", /digest=/, ({ body }) => (body.length === 0 ? { status: 400 } : undefined)),
  ),
  broken("sha512 is not known", "blob push", requests("POST|PUT", /digest=sha512/, always(400))),
  broken("a name in upper case is taken", "name illegal", answers("POST", /\/v2\/Upper\//, says(400, 202))),
  broken("a session of nobody is known", "upload unknown", answers("GET", UPLOAD, says(404, 204))),
  broken("a session is known elsewhere", "upload of another", answers("PATCH", UPLOAD, says(404, 202))),
];
