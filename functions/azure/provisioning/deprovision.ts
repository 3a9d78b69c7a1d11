import type { Call } from "../../../core/call.ts";
import type { DeprovisionOptions } from "../../../core/registry.ts";
import type { AcrContext } from "../acr/context.ts";
import { assignedOn, listAssignments, unassign } from "./assignments.ts";
import { readContents, refuseContents } from "./contents.ts";
import { deleteOwnRegistry } from "./own-registry.ts";
import { ownAssignments } from "./role-drift.ts";
import { isForeign, settledRegistry } from "./settled.ts";

/**
 * Removes the container registry that carries the registry's tag, and the role assignments on it that are ours.
 * Idempotent; somebody else's is left alone.
 *
 * @throws RESOURCE_CONFLICT (not retryable) while there are repositories, unless told to delete them; while there are
 *   any outside the registry's prefix, always
 */
export async function deprovision(
  context: AcrContext,
  { deleteRepositories = false }: DeprovisionOptions,
  call: Call,
): Promise<void> {
  const own = await settledRegistry(context, call);
  if (own === undefined || isForeign(own, context)) return;
  // Without a prefix everything in it is the registry's, and was told to be deleted.
  const isLookedAt = !deleteRepositories || context.names.prefix !== "";
  if (isLookedAt) refuseContents(await readContents(context, own, call), deleteRepositories);

  const assigned = assignedOn(context);
  const ours = ownAssignments(assigned.scope, await listAssignments(assigned, call));
  for (const assignment of ours) await unassign(assigned, assignment, call);
  // Once more, now that nobody gets new credentials: deletion takes images too, and cannot be told not to.
  if (isLookedAt && ours.length > 0) refuseContents(await readContents(context, own, call), deleteRepositories);
  // Last, since its tag is what a repeated call finds the rest by.
  await deleteOwnRegistry(context, call);
}
