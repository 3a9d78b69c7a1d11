import type { Descriptor } from "../media-types.ts";
import * as blobs from "./blobs.ts";
import type { Challenge } from "./challenge.ts";
import * as listing from "./listing.ts";
import * as manifests from "./manifests.ts";
import { bytesOf } from "./read.ts";
import type { Grant } from "./token.ts";
import { type ClientOptions, Transport } from "./transport.ts";

/** A client of one OCI registry. Every method throws `OciError`, or the reason of the signal if it is aborted. */
export type OciClient = {
  /** Asks `/v2/` with the credentials. It resolves if the registry accepts them. */
  ping(): Promise<void>;
  /** Returns the challenges for a client without credentials, or none if the registry needs no credentials. */
  challenges(): Promise<Challenge[]>;
  /** Asks the token service of a Bearer challenge for a token with one scope, such as `repository:team/app:pull`. */
  requestToken(challenge: Challenge, scope: string): Promise<Grant>;
  pushBlob(repository: string, blob: blobs.BlobSource): Promise<blobs.PushedBlob>;
  mountBlob(repository: string, mount: { readonly digest: string; readonly from: string }): Promise<boolean>;
  /** Resolves if the caller may push. It leaves nothing behind. */
  tryUpload(repository: string): Promise<void>;
  headBlob(repository: string, digest: string): Promise<{ size: number | undefined } | undefined>;
  pullBlob(
    repository: string,
    digest: string,
    range?: { readonly first: number; readonly last?: number },
  ): Promise<blobs.PulledBlob>;
  /** Reads a whole blob into memory and verifies it. */
  readBlob(repository: string, digest: string): Promise<Buffer>;
  deleteBlob(repository: string, digest: string): Promise<boolean>;
  pushManifest(
    repository: string,
    reference: string,
    manifest: { readonly bytes: Uint8Array; readonly mediaType: string },
  ): Promise<{ digest: string; subject?: string }>;
  pullManifest(repository: string, reference: string, accept?: readonly string[]): Promise<manifests.Manifest>;
  headManifest(
    repository: string,
    reference: string,
    accept?: readonly string[],
  ): Promise<manifests.ManifestHead | undefined>;
  deleteManifest(repository: string, reference: string): Promise<boolean>;
  tags(repository: string, pageSize?: number): Promise<string[]>;
  eachTag(repository: string, pageSize?: number): AsyncGenerator<string>;
  referrers(repository: string, digest: string, artifactType?: string): Promise<Descriptor[]>;
  catalog(pageSize?: number): Promise<string[]>;
  /** Returns a client that shares this one's tokens, but has another signal. */
  withSignal(signal: AbortSignal): OciClient;
};

/**
 * Makes a client. It sends no request before the first call of a method.
 *
 * @example
 * const client = createClient({ url: "http://127.0.0.1:5050", credentials: { username: "token", password } });
 * const { digest } = await client.pushManifest("images/app", "1.0", { bytes, mediaType: ociManifest });
 */
export function createClient(options: ClientOptions): OciClient {
  return clientOf(options, new Transport(options));
}

function clientOf(options: ClientOptions, transport: Transport): OciClient {
  return {
    async ping() {
      const answer = await transport.send({ to: "v2/", scopes: [], expect: [200] });
      await answer.body?.cancel();
    },
    challenges: () => transport.challenges(),
    requestToken: ({ scheme, params: { scope: _suggested, ...params } }, scope) =>
      transport.exchange({ scheme, params }, [scope]),
    pushBlob: (repository, blob) => blobs.pushBlob(transport, repository, blob),
    mountBlob: (repository, mount) => blobs.mountBlob(transport, repository, mount),
    tryUpload: (repository) => blobs.tryUpload(transport, repository),
    headBlob: (repository, digest) => blobs.headBlob(transport, repository, digest),
    pullBlob: (repository, digest, range) => blobs.pullBlob(transport, repository, digest, range),
    async readBlob(repository, digest) {
      return bytesOf((await blobs.pullBlob(transport, repository, digest)).stream);
    },
    deleteBlob: (repository, digest) => blobs.deleteBlob(transport, repository, digest),
    pushManifest: (repository, reference, manifest) =>
      manifests.pushManifest(transport, repository, reference, manifest),
    pullManifest: (repository, reference, accept) => manifests.pullManifest(transport, repository, reference, accept),
    headManifest: (repository, reference, accept) => manifests.headManifest(transport, repository, reference, accept),
    deleteManifest: (repository, reference) => manifests.deleteManifest(transport, repository, reference),
    tags: (repository, pageSize) => gather(listing.tags(transport, repository, pageSize)),
    eachTag: (repository, pageSize) => listing.tags(transport, repository, pageSize),
    referrers: (repository, digest, type) => gather(listing.referrers(transport, repository, digest, type)),
    catalog: (pageSize) => gather(listing.catalog(transport, pageSize)),
    withSignal: (signal) => clientOf({ ...options, signal }, new Transport({ ...options, signal }, transport)),
  };
}

async function gather<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
