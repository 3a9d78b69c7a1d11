import type { ContentManners } from "./content.ts";
import { startContent } from "./content.ts";
import { startOurRegistry } from "./our-registry.ts";
import { type GateManners, startTokenGate } from "./token-gate.ts";
import { withTokens } from "./token-registry.ts";
import type { TokenManners } from "./token-server.ts";

/** How one registry differs from the distribution project's, each point with the line that says so. */
export interface Manners {
  readonly tokens?: TokenManners;
  readonly gate?: GateManners;
  readonly content?: ContentManners;
}

export const manners = {
  /** project-zot/zot at 6d19b445: `pkg/api/bearer_auth.go`, `routes.go`, `pkg/storage/common/common.go`, `pkg/retention/retention.go`. */
  zot: {
    // `Middleware`: a method needs one action on the path's repository, and a token that cannot be read gets no challenge.
    gate: { push: ["push"], delete: ["delete"], mute: true, mountsAnything: true },
    content: {
      // `DeleteBlob`: ErrBlobReferenced is 405 DENIED.
      deletesBlobs: "unless held",
      // `DeleteManifest`: ErrManifestReferenced is 405 DENIED, ErrManifestConflict (several tags) is 409 MANIFEST_INVALID.
      holdsManifests: true,
      // `HasDeleteUntagged`: true without a retention policy; gc.go, `removeUntaggedManifests`.
      collectsUntagged: true,
    },
  },
  /** quay/quay: `endpoints/v2/v2auth.py`, `manifest.py`, `blob.py`. */
  quay: {
    tokens: {
      // SCOPE_REGEX_TEMPLATE knows push, pull and *; else InvalidRequest (400).
      refusesScope: /:[^:]*(?:^|,|:)(?!push|pull|\*)[a-z]+[^:]*$/,
      // generate_registry_jwt: `jsonify({"token": …})`, and no lifetime.
      answer: (token: string) => ({ token }),
    },
    // delete_manifest_by_digest: process_registry_jwt_auth(scopes=["pull", "push"]).
    gate: { delete: ["pull", "push"] },
    content: {
      // delete_digest: raise Unsupported().
      deletesBlobs: "never",
      // write_manifest_by_digest: create_manifest_with_temp_tag, PUSH_TEMP_TAG_EXPIRATION_SEC.
      collectsUntagged: true,
    },
  },
  /** gitlabhq/gitlabhq: `app/services/auth/container_registry_authentication_service.rb`, `execute`: `{ token: … }` alone. */
  gitlab: { tokens: { answer: (token: string) => ({ token }) } },
  /** goharbor/harbor: `src/core/service/token/creator.go`, `repositoryFilter.filter`: `a.Actions` is all that the account may. */
  harbor: { tokens: { ignoresActions: true } },
  /** What clients meet elsewhere: google/go-containerregistry#81 (an empty `token`), distribution/distribution#1746 (a number as text). */
  others: {
    tokens: {
      answer: (token: string, seconds: number) => ({ token: "", access_token: token, expires_in: String(seconds) }),
    },
  },
} as const satisfies Record<string, Manners>;

/** Our own registry, with a token server and a gate before it that behave as another registry does. */
export function startMannered({ tokens, gate, content }: Manners) {
  return withTokens(async (server) => {
    const registry = await startOurRegistry(["images", "builds"]);
    const behaving = await startContent(registry.url, content ?? {});
    const owner = registry.account(["pull", "push", "delete"]);
    const front = await startTokenGate(behaving.url, server, owner, gate);
    return {
      url: front.url,
      host: front.host,
      async stop() {
        await front.stop();
        await behaving.stop();
        await registry.stop();
      },
    };
  }, tokens);
}
