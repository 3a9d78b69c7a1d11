export type GcpDoor = "platform" | "oidc" | "invoke" | "events" | "provision";

/**
 * Permissions by what they are asked on. What does not exist before it is provisioned can be opened on its project only;
 * conditions on `resource.name` narrow those on repositories, and on nothing else here.
 */
export interface GcpPermissions {
  /** On the project itself. */
  readonly project: readonly string[];
  /** On the repositories of Artifact Registry. */
  readonly repositories: readonly string[];
  /** On the pull and the push accounts. */
  readonly serviceAccounts: readonly string[];
}

const runtime: GcpPermissions = {
  project: [],
  repositories: [
    "artifactregistry.packages.delete",
    "artifactregistry.repositories.get",
    "artifactregistry.repositories.getIamPolicy",
    "artifactregistry.repositories.setIamPolicy",
  ],
  // Of roles/iam.serviceAccountTokenCreator, which provisioning gives the functions on each of its accounts.
  serviceAccounts: ["iam.serviceAccounts.getAccessToken"],
};

/**
 * Exactly what the code behind a door calls. The tests replay every call under it, and see that nothing in it is
 * superfluous. What the runtime of the functions needs, for logs and dead letters, is not among it.
 */
export const permissionsOf = {
  platform: runtime,
  oidc: runtime,
  invoke: runtime,
  events: {
    project: [],
    // An event neither deletes nor gets credentials.
    repositories: runtime.repositories.filter((permission) => permission !== "artifactregistry.packages.delete"),
    serviceAccounts: [],
  },
  provision: {
    project: [
      "artifactregistry.repositories.create",
      "artifactregistry.repositories.list",
      "iam.serviceAccounts.create",
    ],
    repositories: [
      "artifactregistry.packages.list",
      "artifactregistry.repositories.delete",
      "artifactregistry.repositories.get",
      "artifactregistry.repositories.getIamPolicy",
      "artifactregistry.repositories.setIamPolicy",
    ],
    // Never getAccessToken: who makes the accounts does not use them.
    serviceAccounts: [
      "iam.serviceAccounts.delete",
      "iam.serviceAccounts.get",
      "iam.serviceAccounts.getIamPolicy",
      "iam.serviceAccounts.setIamPolicy",
    ],
  },
} as const satisfies Readonly<Record<GcpDoor, GcpPermissions>>;

/** A permission on something, for a hint: with the smallest predefined role that has it. */
export function needed(permission: string, on: string): string {
  return `${permission} on ${on} (${roleWith(permission)})`;
}

function roleWith(permission: string): string {
  if (permission === "iam.serviceAccounts.getAccessToken") return "roles/iam.serviceAccountTokenCreator";
  if (permission.startsWith("iam.serviceAccounts.")) return "roles/iam.serviceAccountAdmin";
  if (permission === "artifactregistry.packages.delete") return "roles/artifactregistry.repoAdmin";
  return /\.(?:get|list)$/.test(permission) ? "roles/artifactregistry.reader" : "roles/artifactregistry.admin";
}
