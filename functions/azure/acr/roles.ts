/** The roles that allow an action: where roles are for the whole registry (RBAC), and where they may be narrower (ABAC). */
const roles = {
  pull: ["AcrPull", "Container Registry Repository Reader"],
  push: ["AcrPush", "Container Registry Repository Writer"],
  metadata_read: ["AcrPull", "Container Registry Repository Reader"],
  delete: ["AcrDelete", "Container Registry Repository Contributor"],
} as const;

/** What a token of the registry can be asked for here (Azure/acr, AAD-OAuth). */
export type Action = keyof typeof roles;

/** Which role is missing, in both modes of a registry: from outside nobody can tell in which it is. */
export function missingRoles(actions: readonly Action[], repository?: string): string {
  const named = (mode: 0 | 1) => [...new Set(actions.map((action) => roles[action][mode]))].join(" and ");
  const where = repository === undefined ? "" : ` (one whose condition covers the repository ${repository})`;
  return (
    `Assign to the function's identity, on the registry, ${named(0)}; where the registry takes role assignments for ` +
    `repositories (ABAC), ${named(1)}${where}. A new role assignment may take 10 minutes to count.`
  );
}
