import { describe, expect, test } from "vitest";
import { doorNames } from "../../core/doors.ts";
import { ownershipTag, ownershipValue } from "../../functions/azure/acr/registry.ts";
import { redeliveryDelayMs } from "../../functions/azure/doors/events.ts";
import { requiredRoles } from "../../functions/azure/provisioning/roles.ts";
import { Roles } from "../emulators/azure/rbac/roles.ts";
import { catalogRole, doorRoles, grantable, rolePermissions } from "./support/azure-roles.ts";
import { read, readAll } from "./support/module.ts";

const module = readAll("infra/azure", ".tf")
  .filter((text) => !text.includes('module "'))
  .join("\n");
const sources = [...readAll("core", ".ts"), ...readAll("functions/azure", ".ts")].join("\n");
const resources = [...module.matchAll(/^resource "(\w+)" "(\w+)"/gm)].map(([, type = ""]) => type);
const grants = Object.values(doorRoles).flatMap(({ registry, derived, group }) => [registry, derived, group]);

describe("what the module and provisionRegistry make alike", () => {
  test("the tag of container registries", () => {
    expect(read("infra/azure/examples/basic/main.tf")).toContain(
      `tags = { ${ownershipTag} = "${ownershipValue("images")}" }`,
    );
  });

  test.each([
    ["rbac", "LegacyRegistryPermissions"],
    ["rbac-abac", "AbacRepositoryPermissions"],
  ] as const)("the roles for images of a function that mints, in the mode %s", (mode, azures) => {
    const given = requiredRoles(["principal"], azures, { scopeMapRole: "ours" }).map(({ role }) => role);
    const { registry } = doorRoles.platform ?? {};
    expect([...(registry?.[mode] ?? []), ...(registry?.concerns ?? [])]).toEqual(
      given.map((role) => (role === "ours" ? "repositories" : role)),
    );
  });

  test("provisioning may assign what it assigns, and nothing else", () => {
    const modes = ["LegacyRegistryPermissions", "AbacRepositoryPermissions"] as const;
    const assigned = modes.flatMap((mode) => requiredRoles(["principal"], mode, { scopeMapRole: "ours" }));
    const builtIn = assigned.filter(({ role }) => role !== "ours").map(({ role, roleId }) => [role, roleId]);
    expect(grantable).toEqual(Object.fromEntries(builtIn));
  });
});

describe("what the module sets is what the functions read", () => {
  test("settings", () => {
    const set = new Set(module.match(/\b(?:ALIEN|AZURE)_[A-Z]+(?:_[A-Z]+)*(?= *=)/g));
    expect(set.size).toBeGreaterThan(15);
    for (const name of set) expect(sources, name).toContain(name);
  });

  test("no setting says in the platform's place that it authenticates", () => {
    expect(module).not.toMatch(/WEBSITE_AUTH|PLATFORM_AUTHENTICATION|authentication_assumed/i);
  });

  test("the settings of the queue's connection, which the host reads by its name", () => {
    const connection = /connection: "(\w+)"/.exec(sources)?.[1];
    const set = module.match(/\w+__(?:fullyQualifiedNamespace|credential|clientId)(?= *=)/g) ?? [];
    expect(set.filter((name) => name.startsWith(`${connection}__`)).sort()).toEqual(
      ["clientId", "credential", "fullyQualifiedNamespace"].map((part) => `${connection}__${part}`),
    );
  });

  test("the doors", () => {
    // Every direct invocation on Azure is HTTP.
    const doors = doorNames.filter((name) => name !== "local" && name !== "invoke");
    expect(Object.keys(doorRoles).sort()).toEqual([...doors].sort());
  });

  test("the roles of callers", () => {
    const told = /roles_of_callers += \{ (.+) \}/.exec(module)?.[1]?.replaceAll(" =", ":").replaceAll("=", ":");
    expect(told).toMatch(/^platform: "\w+\.\w+", provision: "\w+\.\w+"$/);
    expect(read("functions/azure/doors/http.ts")).toContain(`{ ${told} }`);
  });

  test("the function that is kept ready for events", () => {
    const name = /"function:(\w+)"/.exec(module)?.[1];
    expect(sources).toContain(`app.serviceBusQueue("${name}"`);
  });

  test("as many deliveries as there is time for: an event counts for one hour", () => {
    const deliveries = Number(/max_delivery_count += (\d+)\n +default_message_ttl/.exec(module)?.[1]);
    const pauses = Array.from({ length: deliveries }, (_, before) => redeliveryDelayMs(before + 1));
    const minutes = pauses.reduce((sum, each) => sum + each, 0) / 60_000;
    expect(minutes).toBeGreaterThan(30);
    expect(minutes).toBeLessThan(50);
  });

  test("the mode of role assignments", () => {
    for (const mode of ["rbac", "rbac-abac"]) {
      expect(module).toContain(`"${mode}"`);
      expect(read("functions/azure/provisioning/settings.ts")).toMatch(new RegExp(`\\W${mode}"?: "`));
    }
  });
});

describe("what whoever applies the module must set in the provider", () => {
  const examples = ["basic", "private"].map((name) => read(`infra/azure/examples/${name}/main.tf`));
  const page = read("infra/azure/README.md");

  test.each(["storage_use_azuread", "resource_providers_to_register"])("%s", (setting) => {
    for (const example of examples) expect(example).toMatch(new RegExp(`^  ${setting} +=`, "m"));
    // In the first screen of the page.
    expect(page.split("\n").slice(0, 40).join("\n")).toContain(setting);
  });

  test("the range of azurerm that the page and the examples name", () => {
    const range = /source += "hashicorp\/azurerm"\n +version = "([^"]+)"/.exec(module)?.[1] ?? "";
    expect(range).toBe(">= 5.0.0, < 6.0.0");
    for (const example of examples) expect(example).toContain(`version = "${range}"`);
  });
});

describe("the module's hold on Azure", () => {
  test("custom roles are used, each has its permissions once, and none has a wildcard", () => {
    expect(Object.keys(rolePermissions).sort()).toEqual([...new Set(grants.flatMap((each) => each.concerns))].sort());
    for (const permissions of Object.values(rolePermissions)) {
      expect(new Set(permissions).size).toBe(permissions.length);
      for (const permission of permissions) expect(permission).not.toContain("*");
    }
  });

  test("assigns these built-in roles, and no wider ones", () => {
    const own = [...module.matchAll(/role = "([^"]+)"/g), ...module.matchAll(/role_definition_name = "([^"]+)"/g)];
    const used = [
      ...own.map(([, role = ""]) => role),
      ...grants.flatMap((each) => [...each.rbac, ...each["rbac-abac"]]),
    ];
    expect([...new Set(used)].sort()).toEqual([
      "AcrDelete",
      "AcrPull",
      "AcrPush",
      "Azure Service Bus Data Receiver",
      "Azure Service Bus Data Sender",
      "Container Registry Repository Catalog Lister",
      "Container Registry Repository Contributor",
      "Container Registry Repository Reader",
      "Container Registry Repository Writer",
      "EventGrid Data Sender",
      "Monitoring Metrics Publisher",
      "Storage Blob Data Contributor",
      "Storage Blob Data Owner",
    ]);
  });

  test("gives the one role that takes no condition without one, by the name that the tests know", () => {
    expect(module).toContain(`catalog_role = "${catalogRole}"`);
    expect(new Roles().find(catalogRole)?.conditional).toBe(false);
  });

  test("the public door may have what the platform door has, in parts that its rules need one by one", () => {
    const permissionsOf = (door: string) =>
      new Set(doorRoles[door]?.registry.concerns.flatMap((concern) => rolePermissions[concern] ?? []));
    expect(permissionsOf("oidc")).toEqual(permissionsOf("platform"));
    for (const mode of ["rbac", "rbac-abac"] as const) {
      expect(doorRoles.oidc?.registry[mode]).toEqual(
        expect.arrayContaining([...(doorRoles.platform?.registry[mode] ?? [])]),
      );
    }
    expect(doorRoles.oidc?.derived).toEqual(doorRoles.platform?.derived);
    expect(doorRoles.oidc?.group).toEqual(doorRoles.platform?.group);
  });

  test("only provisioning assigns roles, and mints for nobody", () => {
    const assigning = Object.entries(rolePermissions).filter(([, permissions]) =>
      permissions.some((each) => each.startsWith("Microsoft.Authorization/")),
    );
    expect(assigning.map(([concern]) => concern)).toEqual(["provisioning_grants"]);
    const holders = Object.entries(doorRoles).filter(([, { registry, derived, group }]) =>
      [registry, derived, group].some(({ concerns }) => concerns.includes("provisioning_grants")),
    );
    expect(holders.map(([door]) => door)).toEqual(["provision"]);
    expect(doorRoles.provision?.registry).toEqual({ concerns: [], rbac: [], "rbac-abac": [] });
  });

  test("gives no identity a role on registries before its function app has its authentication", () => {
    const assignment = /^resource "azurerm_role_assignment" "registry" \{[\s\S]*?\n\}/m.exec(module)?.[0];
    expect(assignment).toContain("depends_on = [azapi_resource.door, azapi_update_resource.authentication]");
  });

  test("writes no connection string for the host's storage, neither an empty one nor a key", () => {
    expect(resources.filter((type) => /function_app/.test(type))).toEqual([]);
    expect(module).not.toMatch(/AzureWebJobsStorage +=/);
  });

  test("replaces a package only when the function app has the next one", () => {
    const made = ["azurerm_storage_container", "azurerm_storage_blob", "time_sleep"];
    for (const type of made) {
      const text = new RegExp(`^resource "${type}" "package" \\{[\\s\\S]*?\\n\\}`, "m").exec(module)?.[0];
      expect(text, type).toContain("create_before_destroy = true");
    }
    expect(module).toContain("ignore_changes = [source]");
    expect(module).toMatch(/value = time_sleep\.package\[each\.key\]\.triggers\.container/);
  });

  test("makes no keys, passwords or shared access signatures, and reads none", () => {
    expect(resources.filter((type) => /_(?:password|secret|key|token|authorization_rule)s?$/.test(type))).toEqual([]);
    const secrets = /access_key|primary_key|connection_string|sas_token|site_credential/;
    const lines = module.split("\n").filter((line) => secrets.test(line));
    expect([...new Set(lines.map((line) => line.trim().replace(/ += /, " = ")))].sort()).toEqual([
      // Which is no right to write: local authentication is off there.
      "APPLICATIONINSIGHTS_CONNECTION_STRING = nonsensitive(azurerm_application_insights.functions.connection_string)",
      "shared_access_key_enabled = false",
    ]);
  });
});
