import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { Health } from "../../../core/schemas.ts";
import type { GarContext } from "./context.ts";
import { findRepository } from "./repository.ts";

type Findings = Health["findings"];

/**
 * Whether the binding is complete, and the registry well.
 *
 * @param look at the registry; by default whether the repository is there and takes images
 */
export async function garHealth(
  context: GarContext,
  call: Call,
  look: () => Promise<Findings> = () => askRepository(context, call),
): Promise<Health> {
  const { binding } = context;
  const missing = (["pullServiceAccountEmail", "pushServiceAccountEmail"] as const).filter(
    (field) => binding[field] === undefined,
  );
  const findings = [
    ...missing.map((field) => ({
      message: `The binding has no ${field}.`,
      hint: "Without the service account no credentials are minted.",
    })),
    ...(await look()),
  ];
  return { status: findings.length === 0 ? "healthy" : "degraded", findings };
}

async function askRepository(context: GarContext, call: Call): Promise<Findings> {
  try {
    const repository = await findRepository(context, call);
    if (repository === undefined) {
      return [
        { message: `The repository "${context.place.repository}" does not exist.`, hint: "Run provisionRegistry." },
      ];
    }
    if (repository.format === "DOCKER") return [];
    return [{ message: "The repository does not hold images.", hint: "Bind one of format Docker." }];
  } catch (error) {
    if (!(error instanceof ArtifactRegistryError)) throw error;
    return [{ message: error.message, ...(error.hint !== undefined && { hint: error.hint }) }];
  }
}
