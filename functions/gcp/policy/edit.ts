import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { type Backoff, NotYet, untilReady } from "../../../core/waiting.ts";
import { googleMessage } from "../errors.ts";
import type { IamPolicy } from "./document.ts";

/** The waits after a conflict. */
const afterConflict: Backoff = { baseMs: 250, capMs: 8_000, jitter: "full" };

/** Something that has an IAM policy. */
export interface PolicyHolder {
  /** The policy as errors name it, as `The repository's IAM policy`. */
  readonly what: string;
  read(call: Call): Promise<IamPolicy>;
  /**
   * Puts a policy in the place of the one with the same etag.
   *
   * @throws NotYet where it was not written, and the whole edit may succeed later: somebody changed it in between
   */
  write(policy: IamPolicy, call: Call): Promise<void>;
}

/**
 * Changes a policy by compare-and-swap: what was read is written only over itself, so that no edit of anybody's is lost.
 * After a conflict the whole edit is done again, as long as the operation has time. An edit whose answer was lost meets
 * its own change at the next reading, and is done.
 *
 * @param change pure; gives back the very policy where there is nothing to do, and nothing is written
 */
export async function compareAndSwap(
  holder: PolicyHolder,
  change: (policy: IamPolicy) => IamPolicy,
  call: Call,
): Promise<void> {
  const edit = async () => {
    const policy = withEtag(await holder.read(call), holder.what);
    const changed = change(policy);
    if (changed !== policy) await holder.write(changed, call);
  };
  await untilReady(edit, call.signal, afterConflict);
}

/** Refuses what is no policy: IAM gives an etag to an empty one too. @throws UNEXPECTED_RESPONSE_FORMAT */
export function withEtag(policy: IamPolicy, what: string): IamPolicy {
  if (policy.etag?.length) return policy;
  throw new ArtifactRegistryError("UNEXPECTED_RESPONSE_FORMAT", `${what} has no etag.`, {
    hint: "Nothing was changed: a write could undo somebody else's.",
  });
}

/** Somebody changed the policy between our reading and our writing. */
export function conflict(what: string, cause: unknown): NotYet {
  return new NotYet(
    new ArtifactRegistryError("RESOURCE_CONFLICT", `${what} keeps being changed by others.`, {
      retryable: true,
      hint: "Nothing was changed. Call again.",
      cause,
    }),
  );
}

/**
 * The member for which IAM refused a whole policy: one that is gone, also where it was there before and is another's, or
 * one that was just made.
 *
 * @returns undefined for refusals of other kinds
 */
export function unknownMember(refusal: unknown): string | undefined {
  return /(?:account|user|group|member|principal)\s+(\S+?)\s+does not exist/i.exec(googleMessage(refusal))?.[1];
}

/** That IAM does not know an account yet which is there: what was just made is known everywhere only after a while. */
export function notYetKnown(email: string, cause: unknown): NotYet {
  return new NotYet(
    new ArtifactRegistryError("SERVICE_UNAVAILABLE", `IAM does not know the service account ${email} yet.`, {
      retryable: true,
      hint: "It was just made. The same call again finishes what is left.",
      cause,
    }),
  );
}
