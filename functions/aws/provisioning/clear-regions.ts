import type { Call } from "../../../core/call.ts";
import type { RoutableName } from "../../../core/names.ts";
import { clearReplicas } from "../ecr/access.ts";
import { isInside, withPrefix } from "./repositories.ts";
import type { Site } from "./site.ts";
import { inTurns } from "./turns.ts";

/**
 * Takes our grants away from everything of the registry in regions that leave it. Each name is leased once, for all its
 * regions: a lease whose write was not answered is not given back at once.
 *
 * @param spared names that are left alone
 */
export async function clearRegions(
  { context, leases }: Site,
  regions: readonly string[],
  call: Call,
  spared: readonly string[] = [],
): Promise<void> {
  const { repositoryPrefix: prefix } = context.binding;
  const regionsOf = new Map<string, string[]>();
  for (const region of regions) {
    for (const { name } of await withPrefix(context, prefix, region, call)) {
      const ours = name === prefix || isInside(name, prefix);
      if (ours && !spared.includes(name)) regionsOf.set(name, [...(regionsOf.get(name) ?? []), region]);
    }
  }
  await inTurns([...regionsOf], ([name, where]) => clearReplicas(context, leases, name as RoutableName, where, call));
}
