/** The tag on everything that this suite makes for a registry; its value is the registry's prefix. */
export const ownershipTagKey = "alien:artifact-registry";

export function ownershipTag(prefix: string): { Key: string; Value: string } {
  return { Key: ownershipTagKey, Value: prefix };
}
