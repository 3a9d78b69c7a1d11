import type { Call } from "../../../core/call.ts";
import type { EcrContext, PolicyLeases } from "./context.ts";

export interface ReplicaRegions {
  readonly here: readonly string[];
  readonly leaving: readonly string[];
}

/** To be read under the lease of the repository that is edited. */
export async function regionsOf(context: EcrContext, _leases: PolicyLeases, _call: Call): Promise<ReplicaRegions> {
  return { here: context.replicaRegions, leaving: [] };
}
