import type { Call } from "../../../core/call.ts";
import type { RoutableName } from "../../../core/names.ts";
import type { EcrContext } from "../ecr/context.ts";
import { clearReplica, type PolicyLeases } from "../ecr/edit.ts";
import { isInside, withPrefix } from "./repositories.ts";
import { inTurns } from "./turns.ts";

/** Takes our grants away from everything of the registry in a region, each under its lease. */
export async function clearRegion(
  context: EcrContext,
  leases: PolicyLeases,
  region: string,
  call: Call,
): Promise<void> {
  const { repositoryPrefix: prefix } = context.binding;
  const all = await withPrefix(context, prefix, region, call);
  const ours = all.filter(({ name }) => name === prefix || isInside(name, prefix));
  await inTurns(ours, ({ name }) => clearReplica(context, leases, name as RoutableName, region, call));
}
