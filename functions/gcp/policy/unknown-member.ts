import { ArtifactRegistryError } from "../../../core/errors.ts";
import { NotYet } from "../../../core/waiting.ts";
import { googleMessage } from "../errors.ts";

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
