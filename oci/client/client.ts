import type { Descriptor } from "../media-types.ts";
import * as blobs from "./blobs.ts";
import type { Challenge } from "./challenge.ts";
import * as listing from "./listing.ts";
import * as manifests from "./manifests.ts";
import { bytesOf } from "./read.ts";
import type { Grant } from "./token.ts";
import { type ClientOptions, Transport } from "./transport.ts";

/**
 * A client of one OCI registry. A `repository` is its whole name, such as `team/app`, and a `reference` is a tag or a
 * digest. Every method throws `OciError`, or the signal's reason if the signal is aborted.
 */
export type OciClient = {
  /** Asks `/v2/` with the credentials. It resolves if the registry accepts them. */
  ping(): Promise<void>;
  /** Returns the challenges for a client without credentials, or none if the registry needs no credentials. */
  challenges(): Promise<Challenge[]>;
  /**
   * Asks the token service of a Bearer challenge for a token with one scope, such as `repository:team/app:pull`, or with
   * several, separated by spaces. It does not ask for what the challenge names.
   */
  requestToken(challenge: Challenge, scope: string): Promise<Grant>;
  /** Uploads a blob, or mounts it from another repository. */
  pushBlob(repository: string, blob: blobs.BlobSource): Promise<blobs.PushedBlob>;
  /** Mounts a blob of the repository `from`. Returns false if the registry wants it to be uploaded instead. */
  mountBlob(repository: string, mount: { readonly digest: string; readonly from: string }): Promise<boolean>;
  /** Resolves if the caller may push. It leaves nothing behind. */
  tryUpload(repository: string): Promise<void>;
  /** Returns the blob's size in bytes, if the registry says it, or undefined if there is no such blob. */
  headBlob(repository: string, digest: string): Promise<{ size: number | undefined } | undefined>;
  /** Downloads a blob, or the bytes of a range. The end of the stream of a whole blob verifies it. */
  pullBlob(
    repository: string,
    digest: string,
    range?: { readonly first: number; readonly last?: number },
  ): Promise<blobs.PulledBlob>;
  /** Reads a whole blob into memory and verifies it. */
  readBlob(repository: string, digest: string): Promise<Buffer>;
  /** Deletes a blob from this repository. Returns false if it was not there. */
  deleteBlob(repository: string, digest: string): Promise<boolean>;
  /** Stores a manifest, byte for byte. Returns its digest and, if the registry has linked it to one, its `subject`. */
  pushManifest(
    repository: string,
    reference: string,
    manifest: { readonly bytes: Uint8Array; readonly mediaType: string },
  ): Promise<{ digest: string; subject?: string }>;
  /** Reads a manifest of one of these media types and verifies it; any type that this client knows by default. */
  pullManifest(repository: string, reference: string, accept?: readonly string[]): Promise<manifests.Manifest>;
  /** Returns type, digest and size of a manifest, or undefined if there is no such manifest. */
  headManifest(
    repository: string,
    reference: string,
    accept?: readonly string[],
  ): Promise<manifests.ManifestHead | undefined>;
  /** Deletes a tag, or a manifest by its digest. Returns false if it was not there. */
  deleteManifest(repository: string, reference: string): Promise<boolean>;
  /** Lists all tags. `pageSize` is how many names each request asks for; by default the registry decides. */
  tags(repository: string, pageSize?: number): Promise<string[]>;
  /** Yields the tags one by one, and asks for the next page only when it is needed. */
  eachTag(repository: string, pageSize?: number): AsyncGenerator<string>;
  /** Lists the manifests whose `subject` is this digest, or only those of one artifact type. */
  referrers(repository: string, digest: string, artifactType?: string): Promise<Descriptor[]>;
  /** Lists the repositories that the caller may list. */
  catalog(pageSize?: number): Promise<string[]>;
  /** Lists one page of them. `next` is what the page before answered. */
  catalogPage(page: { readonly pageSize: number; readonly next?: string | undefined }): Promise<{
    names: string[];
    next?: string;
  }>;
  /** Returns a client that shares this one's tokens, but has another signal. */
  withSignal(signal: AbortSignal): OciClient;
};

/**
 * Makes a client. It sends no request before the first call of a method.
 *
 * @throws TypeError if `url` is not a URL
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
    requestToken: (challenge, scope) => transport.exchange(challenge, [scope]),
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
    catalogPage: (page) => listing.catalogPage(transport, page),
    catalog: (pageSize) => gather(listing.catalog(transport, pageSize)),
    withSignal: (signal) => clientOf({ ...options, signal }, new Transport({ ...options, signal }, transport)),
  };
}

async function gather<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
