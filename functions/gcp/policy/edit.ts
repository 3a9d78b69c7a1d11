/** Edits of IAM policies by compare-and-swap, and the refusals of an edit that may succeed later. */
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { NotYet, untilReady } from "../../../core/until-ready.ts";
import type { Backoff } from "../../../core/waiting.ts";
import { googleMessage } from "../errors.ts";
import type { IamPolicy } from "./document.ts";

/** The waits after a conflict. */
const conflictBackoff: Backoff = { baseMs: 250, capMs: 8_000, jitter: "full" };

/** A resource that has an IAM policy. */
export interface PolicyResource {
  /** Names the policy in errors, as `The repository's IAM policy`. */
  readonly what: string;
  read(call: Call): Promise<IamPolicy>;
  /**
   * Replaces the policy that has the same etag.
   *
   * @throws NotYet when nothing was written but the whole edit may succeed later, because somebody has changed the policy
   */
  write(policy: IamPolicy, call: Call): Promise<void>;
}

/**
 * Changes a policy by compare-and-swap: a policy is written only over the one that was read, so that nobody's edit is
 * lost. After a conflict the whole edit starts again, for as long as the operation has time. An edit whose answer was lost
 * finds its own change when it reads again, and is done.
 *
 * @param change pure. Where there is nothing to do it returns the same policy object, and nothing is written.
 */
export async function compareAndSwap(
  resource: PolicyResource,
  change: (policy: IamPolicy) => IamPolicy,
  call: Call,
): Promise<void> {
  const edit = async () => {
    const policy = withEtag(await resource.read(call), resource.what);
    const changed = change(policy);
    if (changed !== policy) await resource.write(changed, call);
  };
  await untilReady(edit, call.signal, conflictBackoff);
}

/**
 * Refuses an answer without an etag. It is no policy, because IAM gives even an empty policy an etag.
 *
 * @throws UNEXPECTED_RESPONSE_FORMAT
 */
export function withEtag(policy: IamPolicy, what: string): IamPolicy {
  if (policy.etag?.length) return policy;
  throw new ArtifactRegistryError("UNEXPECTED_RESPONSE_FORMAT", `${what} has no etag.`, {
    hint: "Nothing was changed, because a write could undo somebody else's.",
  });
}

/** Somebody changed the policy after we had read it and before we wrote it. */
export function policyConflict(what: string, cause: unknown): NotYet {
  return new NotYet(
    new ArtifactRegistryError("RESOURCE_CONFLICT", `${what} keeps being changed by others.`, {
      retryable: true,
      hint: "Nothing was changed. Call again.",
      cause,
    }),
  );
}

/**
 * The member for which IAM refused a whole policy: one that is gone, even if somebody else had granted it long ago, or
 * one that was just created.
 *
 * @returns undefined where IAM refused the policy for another reason
 */
export function unknownMember(error: unknown): string | undefined {
  return /(?:account|user|group|member|principal)\s+(\S+?)\s+does not exist/i.exec(googleMessage(error))?.[1];
}

/**
 * IAM does not know an existing account yet: a new account is known everywhere only after a while (IAM, "Eventual
 * consistency"). Until then Google answers 404 and also 403 for it.
 *
 * @param needs for a 403, the permission that may be missing as well, and on what
 */
export function accountNotYetKnown(email: string, cause: unknown, needs?: string): NotYet {
  const orMissing = needs === undefined ? "" : ` If that does not help, the function's service account lacks ${needs}.`;
  return new NotYet(
    new ArtifactRegistryError("SERVICE_UNAVAILABLE", `IAM does not know the service account ${email} yet.`, {
      retryable: true,
      hint:
        "The account was just created, and it may take some minutes until IAM knows it everywhere. The same call again " +
        `finishes what is left.${orMissing}`,
      cause,
    }),
  );
}
