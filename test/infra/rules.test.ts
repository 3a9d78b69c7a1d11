import { describe, expect, test } from "vitest";
import { parseIssuers } from "../../core/oidc-issuers.ts";
import { isOperationName } from "../../core/operations.ts";
import { authorise, callerFields, type Rule, ruleFields } from "../../core/rules.ts";
import { parseRules } from "../../core/rules-source.ts";
import type { Permissions } from "../../core/schemas.ts";
import { read } from "./support/module.ts";

/** What deploys the functions hands every field of a rule on: one that is dropped makes the rule another one. */
const namesOf = (fields: typeof ruleFields) => fields.map(({ name }) => name).sort();
const requiredOf = (fields: typeof ruleFields) => fields.filter(({ optional }) => !optional).map(({ name }) => name);
const folders = { aws: "policies", gcp: "roles", azure: "roles" } as const;

describe.each(["aws", "gcp", "azure"] as const)("infra/%s", (cloud) => {
  const variables = read(`infra/${cloud}/variables.rules.tf`);
  /** The keys of an object of the module's locals, or the texts of a list. */
  const localsOf = (name: string) => {
    const [, object, list = ""] =
      new RegExp(`^  ${name} += (?:\\{\n([\\s\\S]*?)^  \\}|\\[(.*)\\])`, "m").exec(variables) ?? [];
    const found = object === undefined ? list.matchAll(/"(\w+)"/g) : object.matchAll(/^ {4}(\w+) +=/gm);
    return [...found].map(([, each = ""]) => each);
  };

  test("the variables know every field, and which of them must be there", () => {
    expect(localsOf("rule_fields").sort()).toEqual(namesOf(ruleFields));
    expect(localsOf("rule_required")).toEqual(requiredOf(ruleFields));
    expect(localsOf("caller_fields").sort()).toEqual(namesOf(callerFields));
    expect(localsOf("caller_required")).toEqual(requiredOf(callerFields));
  });

  test("no type of theirs could drop a field", () => {
    for (const name of ["access_rules", "oidc_issuers"]) {
      expect(new RegExp(`variable "${name}" \\{[\\s\\S]*?^ {2}type += (.*)$`, "m").exec(variables)?.[1]).toBe("any");
    }
  });

  test("the module's own test hands on rules with every field, which the functions read", () => {
    const told = /run "every_field" \{[\s\S]*?\n\}\n/.exec(read(`infra/${cloud}/tests/rules.tftest.hcl`))?.[0] ?? "";
    const written: unknown = JSON.parse(jsonOf(/^ {4}access_rules = (\[\n[\s\S]*?^ {4}\])$/m.exec(told)?.[1] ?? ""));
    const issuers = jsonOf(/^ {4}oidc_issuers = (\[\n[\s\S]*?^ {4}\])$/m.exec(told)?.[1] ?? "");
    const rules = parseRules(JSON.stringify(written));
    expect(rules).toEqual(written);
    const keysOf = (objects: readonly object[]) => [...new Set(objects.flatMap((each) => Object.keys(each)))].sort();
    expect(keysOf(rules)).toEqual(namesOf(ruleFields));
    expect(keysOf(rules.flatMap(({ callers }) => callers))).toEqual(namesOf(callerFields));
    expect(keysOf(parseIssuers(issuers))).toEqual(localsOf("issuer_fields").sort());
  });

  test("what a right is for are operations, and what to push needs", () => {
    const rights: Record<string, string[]> = JSON.parse(read(`infra/${cloud}/${folders[cloud]}/operations.json`));
    const doors: { oidc: object } = JSON.parse(read(`infra/${cloud}/${folders[cloud]}/doors.json`));
    for (const [right, needed] of Object.entries(rights)) {
      expect(JSON.stringify(doors.oidc), right).toContain(`"${right}"`);
      expect(needed.filter((each) => each !== "push-pull" && !isOperationName(each))).toEqual([]);
    }
  });

  test("the example's pipeline may push; events and workers may not", () => {
    const example = rulesOf(read(`infra/${cloud}/examples/basic/main.tf`));
    const may = (rule: Rule | undefined, permissions: Permissions) => {
      const [named] = rule?.callers ?? [];
      if (!named) throw new Error("The example has no such rule.");
      const caller = { issuer: named.issuer, subject: named.subject };
      const demand = { repository: "every", permissions, grantees: [] } as const;
      // On all clouds alike: whether a rule covers one repository or all is not asked here.
      const everywhere = example.map((each) => ({ ...each, repositories: ["*"] }));
      return authorise(everywhere, caller, "generateCredentials", "images", demand).allowed;
    };
    const pipeline = example.find(({ operations }) => operations.includes("*"));
    const worker = example.find(({ operations }) => operations.includes("generateCredentials"));
    const events = example.find(({ callers }) => callers.some(({ subject }) => subject === "events"));
    expect([may(pipeline, "pull"), may(pipeline, "push-pull")]).toEqual([true, true]);
    expect([may(worker, "pull"), may(worker, "push-pull")]).toEqual([true, false]);
    expect([may(events, "pull"), may(events, "push-pull")]).toEqual([false, false]);
    // None is left to the default: an example says what it means.
    for (const rule of [pipeline, worker]) expect(rule?.permissions).toBeDefined();
  });
});

test("the chart takes every field, and leaves out what may be left out", () => {
  const { items } = JSON.parse(read("infra/kubernetes/values.schema.json")).properties.accessRules;
  const caller = items.properties.callers.items;
  for (const [each, fields] of [
    [items, ruleFields],
    [caller, callerFields],
  ]) {
    expect(Object.keys(each.properties).sort()).toEqual(namesOf(fields));
    expect(each.required).toEqual(requiredOf(fields));
    expect(each.additionalProperties).toBe(false);
  }
  expect(items.properties.permissions.items.enum).toEqual(["pull", "push-pull"]);
});

test("the modules have one text for rules, but for what their platform adds to a description", () => {
  const bare = (cloud: string) =>
    read(`infra/${cloud}/variables.rules.tf`).replace(
      /(operations and permissions in them\.)[\s\S]*?(?=\n {2}EOT)/,
      "$1",
    );
  for (const cloud of ["gcp", "azure"]) {
    expect(bare(cloud)).toBe(bare("aws"));
    expect(read(`infra/${cloud}/rules.tf`)).toBe(read("infra/aws/rules.tf"));
  }
});

/** The rules that an example sets, as the function reads them; what a variable stands for there is its name. */
function rulesOf(example: string): Rule[] {
  return parseRules(jsonOf(/^ {2}access_rules = (\[\n[\s\S]*?^ {2}\])$/m.exec(example)?.[1] ?? ""));
}

/** A value of HCL as JSON, as far as examples and tests write it. */
function jsonOf(value: string): string {
  return value
    .replace(/^\s*#.*$/gm, "")
    .replace(/(\w+)\s*=\s/g, '"$1": ')
    .replace(/\bvar\.(\w+)/g, (name, _, at: number, text: string) => (text[at - 1] === "{" ? name : `"${name}"`))
    .replace(/,(\s*[\]}])/g, "$1")
    .replace(/([\]"}\d])\n(\s*")/g, "$1,\n$2");
}
