import type { OciClient } from "../../oci/client/index.ts";

/** The same client for a registry where a repository's path is not its routable name. */
export function withPaths(client: OciClient, path: (name: string) => string): OciClient {
  return {
    ping: () => client.ping(),
    challenges: () => client.challenges(),
    requestToken: (challenge, scope) => client.requestToken(challenge, scope),
    pushBlob: (name, blob) => client.pushBlob(path(name), blob),
    mountBlob: (name, { digest, from }) => client.mountBlob(path(name), { digest, from: path(from) }),
    tryUpload: (name) => client.tryUpload(path(name)),
    headBlob: (name, digest) => client.headBlob(path(name), digest),
    pullBlob: (name, digest, range) => client.pullBlob(path(name), digest, range),
    readBlob: (name, digest) => client.readBlob(path(name), digest),
    deleteBlob: (name, digest) => client.deleteBlob(path(name), digest),
    pushManifest: (name, reference, manifest) => client.pushManifest(path(name), reference, manifest),
    pullManifest: (name, reference, accept) => client.pullManifest(path(name), reference, accept),
    headManifest: (name, reference, accept) => client.headManifest(path(name), reference, accept),
    deleteManifest: (name, reference) => client.deleteManifest(path(name), reference),
    tags: (name, pageSize) => client.tags(path(name), pageSize),
    eachTag: (name, pageSize) => client.eachTag(path(name), pageSize),
    referrers: (name, digest, artifactType) => client.referrers(path(name), digest, artifactType),
    catalog: (pageSize) => client.catalog(pageSize),
    withSignal: (signal) => withPaths(client.withSignal(signal), path),
  };
}
