import type { Call } from "../../../core/call.ts";
import { compareAndSwap } from "../policy/compare-and-swap.ts";
import type { IamPolicy } from "../policy/document.ts";
import type { GarContext } from "./context.ts";
import { readPolicy, repositoryPolicy, writePolicy } from "./policies.ts";

/**
 * Changes the repository's policy, so that no edit of anybody's is lost.
 *
 * @param change pure; gives back the very policy where there is nothing to do, and nothing is written
 * @param awaited e-mails of accounts that were just made: IAM may not know them yet, and is asked until it does
 */
export function editPolicy(
  context: GarContext,
  change: (policy: IamPolicy) => IamPolicy,
  call: Call,
  awaited: readonly string[] = [],
): Promise<void> {
  const holder = {
    what: repositoryPolicy,
    read: () => readPolicy(context, call),
    write: (policy: IamPolicy) => writePolicy(context, policy, call, awaited),
  };
  return compareAndSwap(holder, change, call);
}
