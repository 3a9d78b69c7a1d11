/** The paths of the registry, and what they mean. */

/** The kinds of resource below a repository's name. */
export type ContentKind = "blob" | "uploads" | "upload" | "manifest" | "tags" | "referrers" | OwnKind;

/** The kinds that are extensions of ours: a repository as a whole, its images, and the repositories from its name on. */
type OwnKind = "repository" | "repositories" | "images";
const ownKinds: readonly string[] = ["repository", "repositories", "images"] satisfies OwnKind[];

/** What a path means. */
export type Route =
  | { readonly kind: "base" }
  | { readonly kind: "catalog" }
  | { readonly kind: "token" }
  /** `name` is not checked yet. `tail` is the digest, the tag or the upload's id. */
  | { readonly kind: ContentKind; readonly name: string; readonly tail: string };

/**
 * Reads a path (distribution-spec, "Endpoints"). It starts at the end, because a name may have any number of components, and
 * some of them may be called `blobs` or `manifests`.
 *
 * @param path the decoded path, without a query
 * @returns undefined if the API has no such path
 *
 * @example
 * parseRoute("/v2/team/app/manifests/1.0"); // { kind: "manifest", name: "team/app", tail: "1.0" }
 */
export function parseRoute(path: string): Route | undefined {
  if (path === "/token") return { kind: "token" };
  if (path === "/v2" || path === "/v2/") return { kind: "base" };
  if (path === "/v2/_catalog") return { kind: "catalog" };
  if (!path.startsWith("/v2/")) return undefined;
  const parts = path.slice("/v2/".length).split("/");
  const [last = "", second, third] = [parts.at(-1), parts.at(-2), parts.at(-3)];
  const route = (kind: ContentKind, used: number, tail: string): Route | undefined =>
    parts.length > used ? { kind, name: parts.slice(0, -used).join("/"), tail } : undefined;

  if (third === "blobs" && second === "uploads")
    return last === "" ? route("uploads", 3, "") : route("upload", 3, last);
  if (second === "blobs") return last === "uploads" ? route("uploads", 2, "") : route("blob", 2, last);
  if (second === "manifests") return route("manifest", 2, last);
  if (second === "tags" && last === "list") return route("tags", 2, "");
  if (second === "referrers") return route("referrers", 2, last);
  if (second === "_alien" && ownKinds.includes(last)) return route(last as OwnKind, 2, "");
  return undefined;
}
