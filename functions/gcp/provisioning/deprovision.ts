import type { Call } from "../../../core/call.ts";
import type { DeprovisionOptions } from "../../../core/registry.ts";
import type { GarContext } from "../gar/context.ts";
import { findRepository } from "../gar/repository.ts";
import { isOurs } from "../ownership.ts";
import { deleteAccount, findAccount, stateOf } from "./accounts.ts";
import { refuseImages } from "./images.ts";
import { deleteOwnRepository } from "./own-repository.ts";
import { wantedAccounts } from "./wanted.ts";

/**
 * Removes what carries the registry's label or mark: its accounts, then its repository. Idempotent.
 *
 * @throws RESOURCE_CONFLICT (not retryable) while there are images, unless told to delete them
 */
export async function deprovision(
  context: GarContext,
  { deleteRepositories = false }: DeprovisionOptions,
  call: Call,
): Promise<void> {
  const found = await findRepository(context, call);
  const own = found !== undefined && isOurs(found.labels ?? {}, context.place);
  if (own && !deleteRepositories) await refuseImages(context, call);
  let removed = 0;
  for (const { email } of wantedAccounts(context.place)) {
    const account = await findAccount(context, email, call);
    if (account === undefined || stateOf(account, context) === "foreign") continue;
    await deleteAccount(context, account, call);
    removed++;
  }
  if (!own) return;
  // Once more, now that nobody pushes under our credentials: deletion takes images too, and cannot be told not to.
  if (!deleteRepositories && removed > 0) await refuseImages(context, call);
  // Last, since its label is what a repeated call finds the rest by.
  await deleteOwnRepository(context, call);
}
