/** The tag on everything that this suite makes for a registry; its value is the registry's prefix. */
export const ownershipTagKey = "alien:artifact-registry";

/** On the registry's own repository: the regions that may hold replicas with grants, separated by spaces. */
export const regionsTagKey = "alien:artifact-registry:regions";

export function ownershipTag(prefix: string): { Key: string; Value: string } {
  return { Key: ownershipTagKey, Value: prefix };
}
