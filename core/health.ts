import { ArtifactRegistryError } from "./errors.ts";
import type { Health } from "./schemas.ts";

/** What is not as it should be: each finding has a message and, where somebody can do something, a hint. */
export type Findings = Health["findings"];

/** What `describeRegistry` says of a registry that answers: healthy without findings, degraded with some. */
export function healthOf(findings: Findings): Health {
  return { status: findings.length === 0 ? "healthy" : "degraded", findings };
}

/** Adds what is wrong with the suite to what is wrong with the registry. */
export function withFindings({ status, findings }: Health, more: readonly Findings[number][]): Health {
  return { status: status === "healthy" ? "degraded" : status, findings: [...findings, ...more] };
}

/**
 * Looks at one side of the registry. If the platform answers with an error, the error becomes a finding, so that the findings
 * of the other sides are still told.
 *
 * @returns the findings, and whether the look itself failed
 * @throws everything that is not an ArtifactRegistryError, because that is a mistake of ours
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

/**
 * Checks a registry. The findings are those that are known already, and those of a look at the registry itself.
 *
 * @param known for example the findings of `missingFields`
 * @param ifFailed the status if the look fails: `unhealthy` if nothing works without what it looks at
 * @throws what `lookFor` throws
 *
 * @example
 * return checkHealth(missingFields(binding, ["pullAccount"], hint), "unhealthy", async () => {
 *   await client.ping();
 *   return [];
 * });
 */
export async function checkHealth(
  known: Findings,
  ifFailed: Health["status"],
  look: () => Promise<Findings>,
): Promise<Health> {
  const { findings, failed } = await lookFor(look);
  const all = [...known, ...findings];
  return failed ? { status: ifFailed, findings: all } : healthOf(all);
}

/** Makes one finding for each field that the binding should have and does not have. @param hint says what the lack means */
export function missingFields<Field extends string>(
  binding: Readonly<Partial<Record<Field, unknown>>>,
  fields: readonly Field[],
  hint: string,
): Findings {
  return fields
    .filter((field) => binding[field] === undefined)
    .map((field) => ({ message: `The binding has no ${field}.`, hint }));
}
