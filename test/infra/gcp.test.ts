import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { doorNames } from "../../core/doors.ts";
import { ownershipLabel } from "../../functions/gcp/gar/own-repository.ts";
import { accountEmail } from "../../functions/gcp/names.ts";
import { readerRole } from "../../functions/gcp/policy/document.ts";
import { writerRole } from "../../functions/gcp/provisioning/accounts.ts";
import { conditionOf, doorRoles, grantable, registryTag } from "./support/gcp-roles.ts";
import { read, readAll } from "./support/module.ts";

const module = readAll("infra/gcp", ".tf")
  .filter((text) => !text.includes('module "'))
  .join("\n");
const resources = [...module.matchAll(/^resource "(\w+)" "(\w+)"/gm)].map(([, type = ""]) => type);

describe("what the module and provisionRegistry make alike", () => {
  // Which infra/gcp/tests/registries.tftest.hcl holds the module to.
  const told = /run "names_of_accounts"[\s\S]*?\n}\n/.exec(read("infra/gcp/tests/registries.tftest.hcl"))?.[0] ?? "";
  const repositories = [...told.matchAll(/(\w+) *= \{ repository_id = "([^"]+)" \}/g)];

  test.each(repositories.map(([, name = "", repository = ""]) => [repository, name]))(
    "the name of the push account of %s",
    (repository, name) => {
      const id = new RegExp(`^ +${name} += "([^"]+)"`, "m").exec(told)?.[1];
      const place = { project: "acme-functions", location: "europe-west1", repository };
      expect(accountEmail(place, "push")).toBe(`${id}@acme-functions.iam.gserviceaccount.com`);
    },
  );

  test("those names are there", () => {
    expect(repositories.length).toBeGreaterThan(3);
  });

  test("the mark of accounts, and the label of repositories", () => {
    expect(read("infra/gcp/accounts.tf")).toContain(` ${ownershipLabel}=$\{local.registries`);
    expect(read("infra/gcp/examples/basic/main.tf")).toContain(`labels = { ${ownershipLabel} = "acme-images" }`);
  });

  test("the roles of the accounts", () => {
    const given = /resource "google_artifact_registry_repository_iam_member" "minting" \{[\s\S]*?\n\}/.exec(
      module,
    )?.[0];
    expect(given?.match(/"roles\/[^"]+"/g)).toEqual([`"${readerRole}"`, `"${writerRole}"`]);
  });
});

describe("what the module sets is what the functions read", () => {
  const sources = [...readAll("core", ".ts"), ...readAll("functions/gcp", ".ts")].join("\n");

  test("variables", () => {
    const set = new Set(module.match(/\b(?:ALIEN|GOOGLE_CLOUD)_[A-Z]+(?:_[A-Z]+)*(?= *=)/g));
    expect(set.size).toBeGreaterThan(8);
    for (const name of set) expect(sources, name).toContain(name);
  });

  test("the doors", () => {
    expect(Object.keys(doorRoles).sort()).toEqual(doorNames.filter((name) => name !== "local").sort());
  });

  test("the entry points", () => {
    const named = /entry_points += (.+)/.exec(module)?.[1]?.match(/(?<=")artifactRegistry\w*(?=")/g) ?? [];
    expect(named).toHaveLength(2);
    for (const name of named)
      expect(read("functions/gcp/handler.ts")).toMatch(new RegExp(`^(?:http|cloudEvent)\\("${name}"`, "m"));
  });
});

describe("the module's hold on IAM", () => {
  test("nowhere replaces what others wrote, but on the invokers of its own functions", () => {
    const replacing = resources.filter((type) => /_iam_(?:policy|binding|audit_config)$/.test(type));
    expect(replacing).toEqual(["google_cloud_run_v2_service_iam_binding"]);
  });

  test("opens no door to everybody but oidc", () => {
    const lines = module.split("\n").filter((line) => /\[.*"all(?:Authenticated)?Users"/.test(line));
    expect(lines.map((line) => line.trim())).toEqual([
      expect.stringMatching(/^oidc += var\.invoker_iam_disabled \? \[\] : \["allUsers"\]$/),
    ]);
  });

  test("gives no key of an account to anybody, and no basic role", () => {
    expect(resources).not.toContain("google_service_account_key");
    expect(module).not.toMatch(/roles\/(?:owner|editor|viewer)"/);
  });

  test("uses these predefined roles, and no wider ones", () => {
    const used = new Set(module.match(/(?<=")roles\/[A-Za-z.]+(?=")/g));
    expect([...used].sort()).toEqual([
      "roles/artifactregistry.reader",
      "roles/artifactregistry.writer",
      "roles/cloudkms.cryptoKeyEncrypterDecrypter",
      "roles/iam.serviceAccountOpenIdTokenCreator",
      "roles/logging.logWriter",
      "roles/pubsub.publisher",
      "roles/pubsub.subscriber",
      "roles/run.invoker",
      "roles/storage.objectViewer",
    ]);
  });

  test("writes conditions as the emulator was asked about them", () => {
    const template = /"(api\.getAttribute\(.+)"\n/.exec(read("infra/gcp/roles.tf"))?.[1] ?? "";
    for (const [concern, roles] of Object.entries(grantable)) {
      const list = roles.map((role) => `'${role}'`).join(", ");
      expect(conditionOf("project", concern, "acme")?.expression).toBe(template.replace(/\$\{.+\}/, list));
    }
    const tags = read("infra/gcp/tags.tf");
    const named = (name: string) =>
      new RegExp(`^ +${name} += "([^"]+)"`, "m").exec(tags)?.[1]?.replace(/\$\{var\.prefix\}/, "acme");
    expect({ key: named("tag_key"), value: named("tag_value") }).toEqual(registryTag);
    const blanks = {
      "local.registry_project": "p",
      "local.tag_key": registryTag.key,
      "local.tag_value": registryTag.value,
    };
    const written = Object.entries(blanks).reduce(
      (text, [name, value]) => text.replace(`\${${name}}`, value),
      named("tag_condition") ?? "",
    );
    expect(conditionOf("tagged", "grants", "p")?.expression).toBe(written);
  });

  test("puts conditions only where Google takes and knows them", () => {
    const conditional = [...module.matchAll(/^resource "(\w+)" "\w+" \{[\s\S]*?^\}/gm)].filter(([text]) =>
      /\bcondition\b *[{"]|"condition"/.test(text),
    );
    expect(new Set(conditional.map(([, type]) => type).filter((type) => type?.includes("_iam_")))).toEqual(
      new Set(["google_project_iam_member"]),
    );
  });
});

const block = (kind: string, type: string, name: string) =>
  new RegExp(`^${kind} "${type}" "${name}" \\{[\\s\\S]*?^\\}`, "m").exec(module)?.[0] ?? "";

describe("a first apply", () => {
  test("builds nothing before the build account's roles were waited for", () => {
    const wait = block("resource", "time_sleep", "build");
    expect(wait).toMatch(/^ +create_duration += "60s"$/m);
    const roles = [...module.matchAll(/^resource "(\w+_iam_member)" "(build\w*)"/gm)];
    expect(roles.length).toBeGreaterThan(3);
    for (const [, type, name] of roles) expect(wait).toContain(`${type}.${name}[*].id`);
    expect(block("resource", "google_cloudfunctions2_function", "door")).toMatch(/^ {4}time_sleep\.build,$/m);
  });

  test("encrypts nothing before Google's agents may use the key", () => {
    const encrypted = [...module.matchAll(/^resource "(\w+)" "(\w+)" \{[\s\S]*?^\}/gm)].filter(
      ([text, type]) => text.includes("local.kms_key") && type !== "google_kms_crypto_key_iam_member",
    );
    expect(encrypted.length).toBeGreaterThan(5);
    for (const [text, type] of encrypted) expect(text.split("depends_on")[1], type).toContain("time_sleep.key");
  });
});

describe("the module's own tests", () => {
  const files = readdirSync(new URL("../../infra/gcp/tests", import.meta.url)).filter((name) =>
    name.endsWith(".tftest.hcl"),
  );
  const headers = files.map((name) => read(`infra/gcp/tests/${name}`).split(/^variables \{/m)[0] ?? "");
  const mocks = read("infra/gcp/tests/mocks/google/google.tfmock.hcl");

  test("mock the same in each file", () => {
    expect(files.length).toBeGreaterThan(7);
    expect(new Set(headers).size).toBe(1);
    expect(headers[0]).toContain('source = "./tests/mocks/google"');
  });

  test("give every resource whose id another one takes an id as Google writes it", () => {
    // A provider's own check of such an argument refuses the random text that a mock makes up.
    const taken = [
      ...module.matchAll(/= (google_\w+)\.\w+(?:\[[^\]]+\])?\.(?:id|name)$/gm),
      ...module.matchAll(/split\("\/", (google_\w+)\.\w+\[[^\]]+\]\.id\)/g),
    ].map(([, type = ""]) => type);
    const computed = taken.filter((type) => !/bucket|subscription/.test(type));
    expect(computed.length).toBeGreaterThan(3);
    for (const type of new Set(computed)) expect(mocks).toContain(`mock_resource "${type}" {`);
    // An account's id has 6 to 30 characters: the provider checks the length too.
    expect(mocks).toMatch(/"projects\/[a-z-]+\/serviceAccounts\/[a-z][a-z0-9-]{4,28}[a-z0-9]@[a-z-]+\.iam\./);
  });
});

describe("the README's way of taking the module away", () => {
  const section = /\n## Taking it away\n([\s\S]*?)\n## /.exec(read("infra/gcp/README.md"))?.[1] ?? "";
  const example = read("infra/gcp/examples/basic/main.tf");

  test("takes out of the state what the example keeps from being destroyed, and nothing else", () => {
    const kept = [...example.matchAll(/^resource "(\w+)" "(\w+)" \{[\s\S]*?^\}/gm)]
      .filter(([text]) => /prevent_destroy = true/.test(text))
      .map(([, type, name]) => `${type}.${name}`);
    expect(kept).toHaveLength(1);
    const removed = [...section.matchAll(/tofu state rm (\S+)\n +tofu destroy\n/g)].map(([, address]) => address);
    expect(removed).toEqual(kept);
  });

  test("is not refused by anything in the module itself", () => {
    expect(module.replace(example, "")).not.toMatch(/prevent_destroy/);
    expect(block("resource", "google_storage_bucket", "source")).toMatch(/force_destroy += true/);
    expect(block("resource", "google_cloud_run_v2_service", "door")).toMatch(/deletion_protection = false/);
  });

  test("leaves registries: the module makes no repository but its functions' own", () => {
    const made = [...module.matchAll(/^resource "google_artifact_registry_repository" "(\w+)"/gm)];
    expect(made.map(([, name]) => name)).toEqual(["functions"]);
  });
});

test("the module and its example allow the same providers, 6.50 up to 8", () => {
  for (const path of ["infra/gcp/versions.tf", "infra/gcp/examples/basic/main.tf"])
    expect(read(path)).toMatch(/source += "hashicorp\/google"\n +version = ">= 6\.50\.0, < 8\.0\.0"/);
});
