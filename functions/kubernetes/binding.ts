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

/** An account at the registry, in files as Kubernetes mounts them from a Secret. */
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
    /** The registry as its clients reach it. Plain http is allowed for a loopback address, or with `plainHttp`. */
    registryUrl: originUrl("the registry"),
    /** The path below which all repositories lie. Without it the whole registry is ours. */
    repositoryPrefix: v.optional(repositoryPrefix),
    /** File of CA certificates in PEM, which are trusted instead of the system's. */
    caFile: v.optional(file),
    /** The token service, if its host is not the registry's. Passwords are sent to these two hosts only. */
    tokenServiceUrl: v.optional(originUrl("the token service")),
    /** The function's own account, with which it looks for, creates and deletes repositories. Without it the function is anonymous. */
    account: v.optional(account),
    /** The account for which tokens to pull are requested. Without it none are minted. */
    pullAccount: v.optional(account),
    /** The account for which tokens to push and pull are requested. Without it none are minted. */
    pushAccount: v.optional(account),
    /** Hands out the pull and push accounts themselves. They never expire, and they are not limited to one repository. */
    staticCredentials: v.optional(v.boolean()),
    /** Accepts that credentials to push delete as well, as those of Quay do. Without it such credentials are not handed out. */
    pushMayDelete: v.optional(v.boolean()),
    /** Whether the account may read the registry's catalogue, `/v2/_catalog`. False: repositories cannot be listed. Default: true. */
    catalog: v.optional(v.boolean()),
    /** Allows plain http, so that passwords and tokens are sent in the clear. */
    plainHttp: v.optional(v.boolean()),
  }),
  v.forward(
    v.check(
      ({ registryUrl, plainHttp = false }) => plainHttp || isSafe(registryUrl),
      'must be an https URL: with http everybody on the way can read the passwords. Set "plainHttp": true to accept that',
    ),
    ["registryUrl"],
  ),
);

export type ExternalBinding = v.InferOutput<typeof externalBinding>;
export type AccountFiles = v.InferOutput<typeof account>;
/** The fields of a binding that hold an account. */
export type AccountField = "account" | "pullAccount" | "pushAccount";

function isSafe(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === "https:" || /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname);
}
