import { digestOf } from "../../../oci/client/index.ts";
import { parseRoute } from "../../../oci/registry/route.ts";
import { type Instead, type Passing, startProxy } from "../../conformance/control/proxy.ts";
import { send } from "../../conformance/judge/http.ts";

/** How a registry differs in what it keeps and what it deletes. */
export interface ContentManners {
  /** Default: always. */
  readonly deletesBlobs?: "always" | "unless held" | "never";
  /** Does not delete a manifest by its digest while an index has it, or while it has several tags. */
  readonly holdsManifests?: boolean;
  /** Sweeps manifests that no tag and no index leads to and that refer to nothing, with their layers, before anybody can read them. */
  readonly collectsUntagged?: boolean;
}

interface Stored {
  readonly blobs: readonly string[];
  readonly children: readonly string[];
  readonly refers: boolean;
  readonly tags: Set<string>;
}

/** Stands before a registry, keeps count of what its manifests lead to, and refuses and sweeps as it is told. */
export async function startContent(upstream: string, manners: ContentManners) {
  const repositories = new Map<string, Map<string, Stored>>();
  const contentOf = (name: string) => {
    const known = repositories.get(name) ?? new Map<string, Stored>();
    repositories.set(name, known);
    return known;
  };
  const stored = (name: string) => [...contentOf(name).values()];
  const hasIndex = (name: string, digest: string) => stored(name).some(({ children }) => children.includes(digest));

  /** What a request deletes, and whether it is refused. */
  function refusal(kind: string, name: string, tail: string): Instead | undefined {
    if (kind === "blob" && manners.deletesBlobs === "never") return errors(405, "UNSUPPORTED");
    if (kind === "blob" && manners.deletesBlobs === "unless held") {
      return stored(name).some(({ blobs }) => blobs.includes(tail)) ? errors(405, "DENIED") : undefined;
    }
    if (kind !== "manifest" || !manners.holdsManifests) return undefined;
    const digest = digestIn(contentOf(name), tail);
    if (digest === undefined || digest !== tail) return undefined;
    if ((contentOf(name).get(digest)?.tags.size ?? 0) > 1) return errors(409, "MANIFEST_INVALID");
    return hasIndex(name, digest) ? errors(405, "DENIED") : undefined;
  }

  async function sweep(name: string, { authorization }: Passing["headers"]): Promise<void> {
    const remove = (place: string) => send("DELETE", `${upstream}/v2/${name}/${place}`, { headers: { authorization } });
    for (const [digest, { tags, refers, blobs }] of contentOf(name)) {
      if (tags.size > 0 || refers || hasIndex(name, digest)) continue;
      contentOf(name).delete(digest);
      await remove(`manifests/${digest}`);
      const inUse = stored(name).flatMap((each) => each.blobs);
      for (const blob of blobs) if (!inUse.includes(blob)) await remove(`blobs/${blob}`);
    }
  }

  return startProxy(upstream, {
    name: "content",
    caughtBy: "",
    async request({ method, path, headers }) {
      const route = parseRoute(new URL(path, "http://content").pathname);
      if (route === undefined || !("name" in route)) return undefined;
      const { kind, name, tail } = route;
      if (method === "DELETE") return refusal(kind, name, tail);
      const reads = (kind === "manifest" && method !== "PUT") || kind === "tags";
      if (manners.collectsUntagged && reads) await sweep(name, headers);
      return undefined;
    },
    answer({ asked: { method, path, body }, status }) {
      const route = parseRoute(new URL(path, "http://content").pathname);
      if (route?.kind !== "manifest" || status >= 300) return;
      const content = contentOf(route.name);
      if (method === "PUT") put(content, route.tail, body);
      if (method === "DELETE") {
        const digest = digestIn(content, route.tail);
        if (digest === route.tail) content.delete(digest);
        else for (const { tags } of content.values()) tags.delete(route.tail);
      }
    },
  });
}

function put(content: Map<string, Stored>, reference: string, body: Buffer): void {
  const { config, layers = [], manifests = [], subject } = JSON.parse(body.toString());
  const digest = digestOf(body);
  const digests = (list: readonly { digest: string }[]) => list.map((each) => each.digest);
  for (const { tags } of content.values()) tags.delete(reference);
  const known = content.get(digest) ?? {
    blobs: digests([...(config ? [config] : []), ...layers]),
    children: digests(manifests),
    refers: subject !== undefined,
    tags: new Set<string>(),
  };
  if (!reference.includes(":")) known.tags.add(reference);
  content.set(digest, known);
}

function digestIn(content: Map<string, Stored>, reference: string): string | undefined {
  if (content.has(reference)) return reference;
  return [...content].find(([, { tags }]) => tags.has(reference))?.[0];
}

function errors(status: number, code: string): Instead {
  const body = Buffer.from(JSON.stringify({ errors: [{ code, message: "as this registry answers" }] }));
  return { status, headers: { "content-type": "application/json" }, body };
}
