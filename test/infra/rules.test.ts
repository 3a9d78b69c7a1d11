import { describe, expect, test } from "vitest";
import { authorise, type Rule, ruleFields } from "../../core/rules.ts";
import { parseRules } from "../../core/rules-source.ts";
import type { Permissions } from "../../core/schemas.ts";
import { read, readAll } from "./support/module.ts";

/** What deploys the functions hands every field of a rule on: one that is dropped makes the rule another one. */
const names = ruleFields.map(({ name }) => name).sort();
const required = ruleFields.filter(({ optional }) => !optional).map(({ name }) => name);

describe.each(["aws", "gcp", "azure"])("infra/%s", (cloud) => {
  const module = readAll(`infra/${cloud}`, ".tf").join("\n");

  test("the variable takes every field, and leaves out what may be left out", () => {
    // Terraform drops, without a word, what the type of a variable does not have.
    const type =
      /variable "access_rules" \{[\s\S]*?type = list\(object\(\{\n([\s\S]*?)\n {2}\}\)\)/.exec(module)?.[1] ?? "";
    const fields = [...type.matchAll(/^ {4}(\w+) += (optional\()?/gm)].map(([, name = "", optional]) => ({
      name,
      optional: optional !== undefined,
    }));
    expect(fields).toEqual(ruleFields);
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
  expect(Object.keys(items.properties).sort()).toEqual(names);
  expect(items.required).toEqual(required);
  expect(items.additionalProperties).toBe(false);
  expect(items.properties.permissions.items.enum).toEqual(["pull", "push-pull"]);
});

/** The rules that an example sets, as the function reads them; what a variable stands for there is its name. */
function rulesOf(example: string): Rule[] {
  const list = /^ {2}access_rules = (\[\n[\s\S]*?^ {2}\])$/m.exec(example)?.[1] ?? "";
  const json = list
    .replace(/^\s*#.*$/gm, "")
    .replace(/(\w+)\s*=\s/g, '"$1": ')
    .replace(/\bvar\.(\w+)/g, (name, _, at: number, text: string) => (text[at - 1] === "{" ? name : `"${name}"`))
    .replace(/,(\s*[\]}])/g, "$1")
    .replace(/([\]"])\n(\s*")/g, "$1,\n$2");
  return parseRules(json);
}
