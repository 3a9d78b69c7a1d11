import { randomUUID } from "node:crypto";

/** What a role allows. Actions are of the control plane, data actions of what a resource holds; `*` stands for anything. */
export interface Role {
  /** The name of its definition, a GUID. */
  readonly id: string;
  readonly name: string;
  readonly custom: boolean;
  readonly actions: readonly string[];
  readonly notActions: readonly string[];
  readonly dataActions: readonly string[];
  /** Whether an assignment of it may have a condition on repositories. */
  readonly conditional: boolean;
}

const REGISTRIES = "Microsoft.ContainerRegistry/registries";
const content = (verb: string) => `${REGISTRIES}/repositories/content/${verb}`;
const metadata = (verb: string) => `${REGISTRIES}/repositories/metadata/${verb}`;
const READ = [metadata("read"), content("read")];
const WRITE = [metadata("write"), content("write")];
const DELETE = [metadata("delete"), content("delete")];

const plain = (id: string, name: string, actions: readonly string[], notActions: readonly string[] = []): Role => ({
  id,
  name,
  custom: false,
  actions,
  notActions,
  dataActions: [],
  conditional: false,
});
const data = (id: string, name: string, dataActions: readonly string[], conditional = true): Role => ({
  ...plain(id, name, []),
  dataActions,
  conditional,
});

/** @see https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/containers */
const BUILT_IN: readonly Role[] = [
  plain("8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "Owner", ["*"]),
  plain(
    "b24988ac-6180-42a0-ab88-20f7382dd24c",
    "Contributor",
    ["*"],
    [
      "Microsoft.Authorization/*/Delete",
      "Microsoft.Authorization/*/Write",
      "Microsoft.Authorization/elevateAccess/Action",
    ],
  ),
  plain("acdd72a7-3385-48ef-bd42-f606fba81ae7", "Reader", ["*/read"]),
  plain("18d7d88d-d35e-4fb5-a5c3-7773c20a72d9", "User Access Administrator", ["*/read", "Microsoft.Authorization/*"]),
  plain("f58310d9-a9f6-439a-9e8d-f62e7b41a168", "Role Based Access Control Administrator", [
    "Microsoft.Authorization/roleAssignments/write",
    "Microsoft.Authorization/roleAssignments/delete",
    "*/read",
  ]),
  plain("7f951dda-4ed3-4680-a7ca-43fe172d538d", "AcrPull", [`${REGISTRIES}/pull/read`]),
  plain("8311e382-0749-4cb8-b61a-304f252e45ec", "AcrPush", [`${REGISTRIES}/pull/read`, `${REGISTRIES}/push/write`]),
  plain("c2f4ef07-c644-48eb-af81-4b1b4947fb11", "AcrDelete", [`${REGISTRIES}/artifacts/delete`]),
  plain(
    "3bc748fc-213d-45c1-8d91-9da5725539b9",
    "Container Registry Contributor and Data Access Configuration Administrator",
    [
      "Microsoft.Authorization/*/read",
      "Microsoft.ContainerRegistry/checkNameAvailability/read",
      "Microsoft.ContainerRegistry/locations/operationResults/read",
      ...[
        "read",
        "write",
        "delete",
        "operationStatuses/read",
        "listCredentials/action",
        "regenerateCredential/action",
      ].map((what) => `${REGISTRIES}/${what}`),
      `${REGISTRIES}/scopeMaps/*`,
      `${REGISTRIES}/tokens/*`,
      "Microsoft.Resources/subscriptions/resourceGroups/read",
    ],
  ),
  data("b93aa761-3e63-49ed-ac28-beffa264f7ac", "Container Registry Repository Reader", READ),
  data("2a1e307c-b015-4ebd-883e-5b7698a07328", "Container Registry Repository Writer", [...READ, ...WRITE]),
  data("2efddaa5-3f1f-4df3-97df-af3f13818f4c", "Container Registry Repository Contributor", [
    ...READ,
    ...WRITE,
    ...DELETE,
  ]),
  data(
    "bfdb9389-c9a5-478a-bb2f-ba9ca092c3c7",
    "Container Registry Repository Catalog Lister",
    [`${REGISTRIES}/catalog/read`],
    false,
  ),
  data(
    "69a216fc-b8fb-44d8-bc22-1f3c2cd27a39",
    "Azure Service Bus Data Sender",
    ["Microsoft.ServiceBus/*/send/action"],
    false,
  ),
];

/** Role definitions: Azure's own that matter here, and custom ones. */
export class Roles {
  readonly #roles = new Map(BUILT_IN.map((role) => [role.id, role]));

  /** By the name of its definition, or by its display name. */
  find(idOrName: string): Role | undefined {
    const wanted = idOrName.toLowerCase();
    return this.#roles.get(wanted) ?? this.all().find(({ name }) => name.toLowerCase() === wanted);
  }

  all(): readonly Role[] {
    return [...this.#roles.values()];
  }

  /** Makes or replaces a custom role. */
  define(name: string, parts: Partial<Pick<Role, "actions" | "notActions" | "dataActions">>): Role {
    const id = this.find(name)?.id ?? randomUUID();
    const role = { ...plain(id, name, []), ...parts, custom: true, conditional: true };
    this.#roles.set(id, role);
    return role;
  }
}

/** Whether one of these patterns means this action. They are case-insensitive. */
export function matches(patterns: readonly string[], action: string): boolean {
  return patterns.some((pattern) => {
    const source = pattern.split("*").map((part) => part.replace(/[.$()[\]{}+?^|\\]/g, "\\$&"));
    return new RegExp(`^${source.join(".*")}$`, "i").test(action);
  });
}
