import type { Command, Option } from "commander";
import { invalidInput } from "../../core/errors.ts";
import { given, itemOf, kebab, repeated, type Shape } from "./options.ts";

/** The option of each field of an access value, with what it says in the help. */
const flags: Readonly<Record<string, readonly [flags: string, description: string]>> = {
  accountIds: ["--account <id>", "AWS account that may pull (repeatable)"],
  regions: ["--region <region>", "AWS region of the accounts' workers; none means any (repeatable)"],
  roleArns: ["--role <arn>", "AWS IAM role that may pull (repeatable)"],
  projectNumbers: ["--project <number>", "Google Cloud project, by its number (repeatable)"],
  serviceAccountEmails: ["--service-account <email>", "Google Cloud service account that may pull (repeatable)"],
  allowedServiceTypes: ["--service-type <type>", "compute service that may pull by itself (repeatable)"],
};

/** Fields that say more of a consumer, and name none. */
const qualifiers: readonly string[] = ["regions", "allowedServiceTypes"];

export type ReadAccess = (options: Readonly<Record<string, unknown>>) => { readonly access?: unknown };

/**
 * The options of `access`, from the variants of its schema: which variant is meant, the options tell. `--access` takes
 * the value itself, as `access --json` shows it under `grants`.
 *
 * @param shape the variant, or a list of it, which is then optional
 */
export function addAccessOptions(command: Command, shape: Shape): ReadAccess {
  const list = shape.type === "array";
  const variants = ((itemOf(shape) ?? shape).options ?? []) as readonly Shape[];
  const options = new Map<string, Option>();
  for (const [field, schema] of variants.flatMap(({ entries = {} }) => Object.entries(entries))) {
    if (field === "type" || options.has(field)) continue;
    const option = command.createOption(...(flags[field] ?? ([`--${kebab(field)} <value>`, "(repeatable)"] as const)));
    const choices = itemOf(schema)?.options;
    if (choices !== undefined) option.choices(choices as string[]);
    options.set(field, repeated(option));
    command.addOption(option);
  }
  command.option("--access <json>", `the access as JSON${list ? ", or a list of them" : ""}, instead of these options`);
  return (parsed) => {
    const values = given(options, parsed);
    const named = Object.keys(values).length > 0;
    if (typeof parsed.access === "string") {
      if (named) throw invalidInput("--access goes without the options that it stands for.", "access");
      const json = parseJson(parsed.access);
      return { access: list && !Array.isArray(json) ? [json] : json };
    }
    if (list && !named) return {};
    const access = spellOut(variants, values);
    return { access: list ? [access] : access };
  };
}

/** @throws INVALID_INPUT where the options are of two clouds, or name nobody */
function spellOut(variants: readonly Shape[], values: Readonly<Record<string, unknown>>): object {
  const fields = Object.keys(values);
  const fitting = variants.filter(({ entries = {} }) => fields.every((field) => Object.hasOwn(entries, field)));
  const [only] = fitting;
  if (only === undefined) {
    throw invalidInput(
      "These options are of different clouds.",
      "access",
      "Name the consumers of one cloud at a time.",
    );
  }
  if (fields.every((field) => qualifiers.includes(field))) {
    const consumers = Object.entries(flags).filter(([field]) => !qualifiers.includes(field));
    const names = consumers.map(([, [text]]) => text.split(" ")[0]);
    throw invalidInput("Nobody is named.", "access", `Name a consumer: ${names.join(", ")}.`);
  }
  const { type, ...lists } = only.entries ?? {};
  return {
    type: type?.literal,
    ...Object.fromEntries(Object.keys(lists).map((field) => [field, values[field] ?? []])),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalidInput("--access is not JSON.", "access");
  }
}
