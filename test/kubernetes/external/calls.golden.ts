import { markdownOf, rowsOf } from "../../support/faults/rows.ts";

const registry = (action: string) => [`registry:${action}`];
const token = ["token:GET"];
/** The first request of its scope: refused with the challenge, and sent again with the token that it leads to. */
const first = (action: string) => [...registry(action), ...token, ...registry(action)];
/** What must be refused is asked with a token of its own, which allows nothing. */
const denied = first;

const marker = first("HEAD manifest");
const creation = [...marker, ...first("POST upload"), ...registry("PUT upload"), ...registry("PUT manifest")];
const reading = [...registry("GET manifest"), ...registry("GET referrers")];
const removal = (...blobs: readonly string[][]) => [...blobs.flat(), ...registry("DELETE manifest")];

/** The requests of each operation, by case, of a suite that knows nothing yet. docs/kubernetes.md has them too. */
export const golden = {
  createRepository: { "a new one": creation, "one that exists": marker },
  getRepository: {
    "one that was created": marker,
    "one that was only pushed": [...marker, ...registry("GET tags")],
    "one that does not exist": [...marker, ...registry("GET tags"), ...registry("HEAD manifest")],
  },
  deleteRepository: {
    "one with an image of one layer": [
      ...first("GET tags"),
      ...reading,
      ...removal(first("DELETE blob"), registry("DELETE blob")),
      ...registry("GET tags"),
      ...reading,
      ...removal(registry("DELETE blob")),
    ],
    "an empty one": [...first("GET tags"), ...reading, ...removal(first("DELETE blob"))],
    "one that is gone": [...first("GET tags"), ...registry("GET manifest"), ...registry("GET manifest")],
  },
  listRepositories: { "one, in a registry that has others": [...first("GET catalog"), ...first("HEAD manifest")] },
  listImages: {
    "one, with our marker beside it": [...first("GET tags"), ...registry("HEAD manifest"), ...registry("GET manifest")],
    "two tags of one image": [
      ...first("GET tags"),
      ...registry("HEAD manifest"),
      ...registry("HEAD manifest"),
      ...registry("GET manifest"),
    ],
  },
  deleteImage: { "by digest": first("DELETE manifest"), "by tag": first("DELETE manifest") },
  generateCredentials: {
    pull: [...registry("GET /v2/"), ...token],
    "push-pull": [...registry("GET /v2/"), ...token, ...registry("DELETE manifest")],
    "once more": [],
    "pull, a static account": [
      ...marker,
      ...["DELETE manifest", "POST upload", "HEAD manifest", "POST upload"].flatMap(denied),
    ],
    "push-pull, a static account": [...marker, ...["DELETE manifest", "HEAD manifest", "POST upload"].flatMap(denied)],
  },
  setupRepository: { "a new one": creation },
  describeRegistry: { plain: first("GET /v2/") },
} as const;

export const rows = rowsOf(golden);

/** The table as docs/kubernetes.md shows it. */
export function markdown(): string {
  return markdownOf(rows);
}
