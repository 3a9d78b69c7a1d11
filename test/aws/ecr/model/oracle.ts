import type { AwsAccess } from "../../../../core/schemas.ts";
import { type Model, modelAdd, modelRemove, nothing } from "../../policy/support/model.ts";
import { accountIn } from "./consumers.ts";

/** Something that a crash left open: it may have taken effect, or not. */
export interface Bounds {
  /** What is granted for certain. */
  readonly least: Model;
  /** What may be granted. */
  readonly most: Model;
}

export const nobody: Bounds = { least: nothing, most: nothing };
export const exactly = (model: Model): Bounds => ({ least: model, most: model });

/**
 * Who should be able to pull, as the design says it ("Cross-account access"): the union of what was added, less what was
 * removed; nobody of a repository that is gone, and of its successor whoever its own policy lets in. Whom AWS refuses when a
 * revocation has to write home's policy anew has lost it until it is added again.
 */
export const added = ({ least, most }: Bounds, access: AwsAccess): Bounds => ({
  least: modelAdd(least, access),
  most: modelAdd(most, access),
});

/** @returns undefined where the call is refused, whatever stands: a region cannot be subtracted from any */
export function removed({ least, most }: Bounds, access: AwsAccess): Bounds | undefined {
  const [low, high] = [modelRemove(least, access), modelRemove(most, access)];
  return low && high && { least: low, most: high };
}

/** Whichever of the two came about. */
export const either = (one: Bounds, other: Bounds): Bounds => ({
  least: new Set([...one.least].filter((grant) => other.least.has(grant))),
  most: new Set([...one.most, ...other.most]),
});

/** Without those accounts, in any case or perhaps: their Lambda functions cannot pull without them either. */
export function without({ least, most }: Bounds, refused: (grant: string) => boolean, perhaps: boolean): Bounds {
  const stays = (grant: string) => !refused(grant);
  return {
    least: new Set([...least].filter(stays)),
    most: perhaps ? most : new Set([...most].filter(stays)),
  };
}

/** What of the bounds can be seen in a pull: Lambda's needs the account's. */
export function visible(model: Model): ReadonlySet<string> {
  return new Set([...model].filter((grant) => !grant.startsWith("worker") || model.has(`account ${accountIn(grant)}`)));
}
