import { type Algorithm, type Content, digest, digestOf } from "./content.ts";
import { status } from "./expect.ts";
import type { Answer, Ask } from "./http.ts";
import { locationOf, type Registry } from "./registry.ts";

/** One request of a push, and how many bytes the registry holds after it. */
export type Step = { readonly answer: Answer; readonly held: number };

export type Pushed = {
  readonly repository: string;
  readonly bytes: Buffer;
  readonly digest: string;
  readonly steps: readonly Step[];
  /** The answer that ended it. */
  readonly last: Answer;
};

export type Push = (registry: Registry, repository: string, bytes: Buffer, digest: string) => Promise<Step[]>;

const OCTETS = { "Content-Type": "application/octet-stream" };

/** Every way to push a blob that the specification has. */
export const WAYS: Readonly<Record<string, Push>> = {
  "POST then PUT": (registry, repository, bytes, name) =>
    session(registry, repository, name, [], { headers: OCTETS, body: bytes }, bytes.length),
  "single POST": async (registry, repository, bytes, name) => {
    const path = `/v2/${repository}/blobs/uploads/?digest=${name}`;
    const answer = await registry.ask("POST", path, { headers: OCTETS, body: bytes });
    // A registry that does not support it goes on as if the digest had not been named.
    if (answer.status !== 202) return [{ answer, held: bytes.length }];
    const put = await registry.ask("PUT", withDigest(locationOf(answer), name), { headers: OCTETS, body: bytes });
    return [{ answer: put, held: bytes.length }];
  },
  "one chunk": (registry, repository, bytes, name) => session(registry, repository, name, ranges(bytes, 1)),
  "three chunks": (registry, repository, bytes, name) => session(registry, repository, name, ranges(bytes, 3)),
  "chunks, the last on the PUT": (registry, repository, bytes, name) => {
    const chunks = ranges(bytes, 3);
    return session(registry, repository, name, chunks.slice(0, -1), chunks.at(-1), bytes.length);
  },
  "streamed PATCH": (registry, repository, bytes, name) =>
    session(registry, repository, name, [{ headers: OCTETS, stream: pieces(bytes, 4) }]),
  "PATCHes without Content-Range": (registry, repository, bytes, name) =>
    session(
      registry,
      repository,
      name,
      pieces(bytes, 2).map((body) => ({ headers: OCTETS, body })),
    ),
  "streamed PUT": (registry, repository, bytes, name) =>
    session(registry, repository, name, [], { headers: OCTETS, stream: pieces(bytes, 4) }, bytes.length),
};

export async function push(
  way: Push,
  registry: Registry,
  { repository, bytes, digest: name }: Pick<Pushed, "repository" | "bytes" | "digest">,
): Promise<Pushed> {
  const steps = await way(registry, repository, bytes, name);
  const last = steps.at(-1)?.answer;
  if (last === undefined) throw new Error("nothing was sent");
  return { repository, bytes, digest: name, steps, last };
}

/** Starts an upload session; throws unless the registry does. */
export async function start(registry: Registry, repository: string): Promise<Answer> {
  const answer = await registry.ask("POST", `/v2/${repository}/blobs/uploads/`);
  status(answer, 202);
  return answer;
}

/** Pushes a blob as the scenario of a case: throws unless it is accepted. Returns its digest. */
export async function giveBlob(
  registry: Registry,
  repository: string,
  bytes: Buffer,
  algorithm: Algorithm = "sha256",
): Promise<string> {
  const name = digest(bytes, algorithm);
  const location = locationOf(await start(registry, repository));
  status(await registry.ask("PUT", withDigest(location, name), { headers: OCTETS, body: bytes }), 201);
  return name;
}

export function putManifest(registry: Registry, repository: string, reference: string, content: Content) {
  const headers = { "Content-Type": content.mediaType };
  return registry.ask("PUT", `/v2/${repository}/manifests/${reference}`, { headers, body: content.bytes });
}

/** Pushes what a manifest is made of: its blobs and, by digest, the manifests that come before it. */
export async function giveParts(registry: Registry, repository: string, content: Content): Promise<void> {
  for (const blob of content.blobs) await giveBlob(registry, repository, blob, content.algorithm);
  for (const child of content.children) await giveManifest(registry, repository, digestOf(child), child);
}

/** Pushes a manifest with all its parts; throws unless everything is accepted. Returns its digest. */
export async function giveManifest(
  registry: Registry,
  repository: string,
  reference: string,
  content: Content,
): Promise<string> {
  await giveParts(registry, repository, content);
  status(await putManifest(registry, repository, reference, content), 201);
  return digestOf(content);
}

export function withDigest(location: string, name: string): string {
  return `${location}${location.includes("?") ? "&" : "?"}digest=${name}`;
}

/** One chunk as the specification has it: `Content-Range: <first>-<last>`, both ends included. */
export function chunk(bytes: Buffer, from: number, to: number): Ask {
  return { headers: { ...OCTETS, "Content-Range": `${from}-${to - 1}` }, body: bytes.subarray(from, to) };
}

async function session(
  registry: Registry,
  repository: string,
  name: string,
  patches: readonly Ask[],
  final: Ask = { body: "" },
  total?: number,
): Promise<Step[]> {
  const started = await registry.ask("POST", `/v2/${repository}/blobs/uploads/`);
  const steps: Step[] = [{ answer: started, held: 0 }];
  if (started.status !== 202 || started.headers.location === undefined) return steps;
  let [location, held] = [locationOf(started), 0];
  for (const patch of patches) {
    const answer = await registry.ask("PATCH", location, patch);
    held += patch.stream === undefined ? Buffer.byteLength(patch.body ?? "") : Buffer.concat(patch.stream).length;
    steps.push({ answer, held });
    if (answer.status !== 202 || answer.headers.location === undefined) return steps;
    location = locationOf(answer);
  }
  steps.push({ answer: await registry.ask("PUT", withDigest(location, name), final), held: total ?? held });
  return steps;
}

function ranges(bytes: Buffer, count: number): Ask[] {
  const size = Math.ceil(bytes.length / count);
  return Array.from({ length: count }, (_, at) => chunk(bytes, at * size, Math.min((at + 1) * size, bytes.length)));
}

function pieces(bytes: Buffer, count: number): Buffer[] {
  const size = Math.ceil(bytes.length / count);
  return Array.from({ length: count }, (_, at) => bytes.subarray(at * size, (at + 1) * size));
}
