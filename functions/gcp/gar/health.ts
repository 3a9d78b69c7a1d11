import type { Call } from "../../../core/call.ts";
import { type Findings, healthOf, lookFor, missingFields } from "../../../core/health.ts";
import type { Health } from "../../../core/schemas.ts";
import type { GarContext } from "./context.ts";
import { findRepository } from "./repository.ts";

/**
 * Whether the binding is complete, and the registry well.
 *
 * @param look at the registry; by default whether the repository is there and takes images
 */
export async function garHealth(
  context: GarContext,
  call: Call,
  look: () => Promise<Findings> = async () => (await lookFor(() => askRepository(context, call))).findings,
): Promise<Health> {
  const hint = "Without the service account no credentials are minted.";
  const missing = missingFields(context.binding, ["pullServiceAccountEmail", "pushServiceAccountEmail"], hint);
  return healthOf([...missing, ...(await look())]);
}

async function askRepository(context: GarContext, call: Call): Promise<Findings> {
  const repository = await findRepository(context, call);
  if (repository === undefined) {
    return [
      { message: `The repository "${context.place.repository}" does not exist.`, hint: "Run provisionRegistry." },
    ];
  }
  if (repository.format === "DOCKER") return [];
  return [{ message: "The repository does not hold images.", hint: "Bind one of format Docker." }];
}
