const GAR = "artifactregistry";
const names = (prefix: string, ...verbs: string[]): string[] => verbs.map((verb) => `${prefix}.${verb}`);

const READER = [
  ...names(`${GAR}.repositories`, "get", "list", "downloadArtifacts", "listEffectiveTags", "listTagBindings"),
  ...["packages", "versions", "tags", "files", "dockerimages"].flatMap((kind) =>
    names(`${GAR}.${kind}`, "get", "list"),
  ),
];
const WRITER = [...READER, `${GAR}.repositories.uploadArtifacts`, ...names(`${GAR}.tags`, "create", "update")];
const REPO_ADMIN = [
  ...WRITER,
  `${GAR}.repositories.deleteArtifacts`,
  ...names(`${GAR}.packages`, "delete", "update"),
  ...names(`${GAR}.versions`, "delete", "update"),
  ...names(`${GAR}.tags`, "delete"),
];
const ADMIN = [
  ...REPO_ADMIN,
  ...names(`${GAR}.repositories`, "create", "delete", "update", "getIamPolicy", "setIamPolicy"),
  ...names(`${GAR}.repositories`, "createTagBinding", "deleteTagBinding"),
];
const SA = "iam.serviceAccounts";
const SA_ADMIN = names(SA, "create", "delete", "get", "getIamPolicy", "list", "setIamPolicy", "update");
const TOPICS = "pubsub.topics";

/** Predefined roles, as far as what is emulated asks for their permissions. */
const PREDEFINED: Readonly<Record<string, readonly string[]>> = {
  "roles/artifactregistry.reader": READER,
  "roles/artifactregistry.writer": WRITER,
  "roles/artifactregistry.repoAdmin": REPO_ADMIN,
  "roles/artifactregistry.admin": ADMIN,
  "roles/artifactregistry.createOnPushWriter": WRITER,
  "roles/artifactregistry.createOnPushRepoAdmin": REPO_ADMIN,
  "roles/artifactregistry.containerRegistryMigrationAdmin": names(`${GAR}.repositories`, "create", "get", "list"),
  "roles/artifactregistry.serviceAgent": READER,
  "roles/run.serviceAgent": READER,
  "roles/run.invoker": ["run.routes.invoke"],
  "roles/cloudfunctions.invoker": ["cloudfunctions.functions.invoke"],
  "roles/iam.serviceAccountTokenCreator": names(
    SA,
    "get",
    "getAccessToken",
    "getOpenIdToken",
    "implicitDelegation",
    "list",
    "signBlob",
    "signJwt",
  ),
  "roles/iam.serviceAccountOpenIdTokenCreator": names(SA, "getOpenIdToken"),
  "roles/iam.workloadIdentityUser": names(SA, "get", "getAccessToken", "getOpenIdToken", "list"),
  "roles/iam.serviceAccountUser": names(SA, "actAs", "get", "list"),
  "roles/iam.serviceAccountViewer": names(SA, "get", "getIamPolicy", "list"),
  "roles/iam.serviceAccountCreator": names(SA, "create", "get", "list"),
  "roles/iam.serviceAccountDeleter": names(SA, "delete", "get", "list"),
  "roles/iam.serviceAccountAdmin": SA_ADMIN,
  "roles/iam.securityAdmin": [
    ...names(`${GAR}.repositories`, "getIamPolicy", "list", "setIamPolicy"),
    ...names(SA, "get", "getIamPolicy", "list", "setIamPolicy"),
    ...names(TOPICS, "getIamPolicy", "setIamPolicy"),
  ],
  "roles/iam.securityReviewer": [
    ...names(`${GAR}.repositories`, "getIamPolicy", "list"),
    ...names(SA, "get", "getIamPolicy", "list"),
  ],
  "roles/resourcemanager.tagUser": [
    ...names("resourcemanager.tagValueBindings", "create", "delete"),
    ...names(`${GAR}.repositories`, "createTagBinding", "deleteTagBinding", "listEffectiveTags", "listTagBindings"),
  ],
  "roles/pubsub.publisher": names(TOPICS, "publish"),
  "roles/pubsub.viewer": names(TOPICS, "get", "list"),
  "roles/pubsub.admin": names(TOPICS, "create", "delete", "get", "getIamPolicy", "list", "publish", "setIamPolicy"),
  "roles/viewer": [...READER, ...names(SA, "get", "list"), ...names(TOPICS, "get", "list")],
  "roles/browser": [],
  // An editor may create and delete, but neither read nor write policies, nor become somebody else.
  "roles/editor": [
    ...REPO_ADMIN,
    ...names(`${GAR}.repositories`, "create", "delete", "update"),
    ...names(SA, "actAs", "create", "delete", "get", "list", "update"),
    ...names(TOPICS, "create", "delete", "get", "list", "publish"),
  ],
  "roles/owner": [...ADMIN, ...SA_ADMIN, ...names(SA, "actAs"), ...names(TOPICS, "create", "delete", "get", "publish")],
};

/** Predefined roles, and custom ones that a test makes. */
export class Roles {
  readonly #custom = new Map<string, readonly string[]>();

  /**
   * Makes a custom role, `projects/P/roles/R`.
   *
   * https://docs.cloud.google.com/iam/docs/creating-custom-roles
   */
  define(name: string, permissions: readonly string[]): void {
    this.#custom.set(name, permissions);
  }

  /** Whether a role can be granted in a project. A custom role of a project is granted in that project only. */
  has(name: string, project: string): boolean {
    return name in PREDEFINED || (this.#custom.has(name) && name.startsWith(`projects/${project}/`));
  }

  permissionsOf(name: string): readonly string[] {
    return this.#custom.get(name) ?? PREDEFINED[name] ?? [];
  }

  allows(name: string, permission: string): boolean {
    return this.permissionsOf(name).includes(permission);
  }
}
