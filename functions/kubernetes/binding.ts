import { isAbsolute } from "node:path";
import * as v from "valibot";
import { ociGrammar } from "../../core/names.ts";

const originUrl = (what: string) =>
  v.pipe(
    v.string(),
    v.check(
      (text) => /^https?:\/\/[^/?#@]+\/?$/.test(text) && URL.canParse(text),
      `must be the http or https URL of ${what}: a host and a port, without a path`,
    ),
  );

const repositoryPrefix = v.pipe(
  v.string(),
  v.maxLength(128, "must have at most 128 characters"),
  v.regex(ociGrammar.pattern, "must be the path of a repository, as team/images"),
);

const file = v.pipe(v.string(), v.check(isAbsolute, "must be the absolute path of a file"));

/** An account at the registry, in files as Kubernetes mounts them. */
const account = v.union(
  [
    /** The keys of a `kubernetes.io/basic-auth` Secret. */
    v.strictObject({ usernameFile: file, passwordFile: file }),
    /** The key of a `kubernetes.io/dockerconfigjson` Secret. The entry for the registry's host counts. */
    v.strictObject({ dockerConfigFile: file }),
  ],
  'must be {"usernameFile", "passwordFile"} or {"dockerConfigFile"}, with absolute paths',
);

export const externalBinding = v.pipe(
  v.strictObject({
    service: v.literal("external"),
    /** The registry as its clients reach it. Plain http for a loopback address only, unless `plainHttp` says otherwise. */
    registryUrl: originUrl("the registry"),
    /** Everything of this registry lives below it. Absent: the whole registry is ours. */
    repositoryPrefix: v.optional(repositoryPrefix),
    /** CA certificates in PEM that are trusted instead of the system's. */
    caFile: v.optional(file),
    /** The token service, where it has another host than the registry: passwords go to these two hosts only. */
    tokenServiceUrl: v.optional(originUrl("the token service")),
    /** The function's own: it looks for, creates and deletes repositories. Absent: it asks as a stranger. */
    account: v.optional(account),
    /** In whose name tokens to pull are asked for. Without it none are minted. */
    pullAccount: v.optional(account),
    /** In whose name tokens to push and pull are asked for. Without it none are minted. */
    pushAccount: v.optional(account),
    /** Hands out the pull and push accounts themselves, which do not end and open every repository. */
    staticCredentials: v.optional(v.boolean()),
    /** Lets passwords and tokens travel in the clear. */
    plainHttp: v.optional(v.boolean()),
  }),
  v.forward(
    v.check(
      ({ registryUrl, plainHttp = false }) => plainHttp || isSafe(registryUrl),
      'must be an https URL: over http everybody on the way reads the passwords. Set "plainHttp": true to accept that',
    ),
    ["registryUrl"],
  ),
);

export type ExternalBinding = v.InferOutput<typeof externalBinding>;
export type AccountFiles = v.InferOutput<typeof account>;
/** The fields of a binding that name an account. */
export type AccountField = "account" | "pullAccount" | "pushAccount";

function isSafe(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === "https:" || /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname);
}
