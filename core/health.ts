import { ArtifactRegistryError } from "./errors.ts";
import type { Health } from "./schemas.ts";

export type Findings = Health["findings"];

/** What `describeRegistry` says of a registry that answers: healthy without findings, degraded with some. */
export function healthOf(findings: Findings): Health {
  return { status: findings.length === 0 ? "healthy" : "degraded", findings };
}

/**
 * Looks at one side of the registry. An error of the platform becomes a finding, so that the other sides are still told.
 *
 * @returns the findings, and whether the look itself failed
 * @throws what is no ArtifactRegistryError, for that is a mistake of ours
 */
export async function lookFor(look: () => Promise<Findings>): Promise<{ findings: Findings; failed: boolean }> {
  try {
    return { findings: await look(), failed: false };
  } catch (error) {
    if (!(error instanceof ArtifactRegistryError)) throw error;
    const { message, hint } = error;
    return { findings: [{ message, ...(hint !== undefined && { hint }) }], failed: true };
  }
}

/** One finding for each field that the binding should have and lacks. */
export function missingFields<Field extends string>(
  binding: Readonly<Partial<Record<Field, unknown>>>,
  fields: readonly Field[],
  hint: string,
): Findings {
  return fields
    .filter((field) => binding[field] === undefined)
    .map((field) => ({ message: `The binding has no ${field}.`, hint }));
}
