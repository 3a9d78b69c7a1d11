import type { Command, Option } from "commander";
import { invalidInput } from "../../core/errors.ts";
import { tryParseJson } from "../json.ts";
import { givenValues, itemOf, kebab, repeated, type Shape } from "./options.ts";

/** For each field of an access value: its option, and the option's help. */
export const accessFlags: Readonly<Record<string, readonly [flags: string, description: string]>> = {
  accountIds: ["--account <id>", "AWS account that may pull (repeatable)"],
  regions: ["--region <region>", "AWS region of the accounts' workers; any region by default (repeatable)"],
  roleArns: ["--role <arn>", "AWS IAM role that may pull (repeatable)"],
  projectNumbers: ["--project <number>", "number of a Google Cloud project whose Cloud Run may pull (repeatable)"],
  serviceAccountEmails: [
    "--service-account <email>",
    "Google Cloud service account that may pull, as the one that deploys to Cloud Run (repeatable)",
  ],
  allowedServiceTypes: [
    "--service-type <type>",
    "compute service that may pull on behalf of the consumers (repeatable)",
  ],
};

/** Fields that describe consumers but do not name any. */
const qualifiers: readonly string[] = ["regions", "allowedServiceTypes"];

/** Reads `access` from parsed options. @throws INVALID_INPUT */
export type ReadAccess = (options: Readonly<Record<string, unknown>>) => { readonly access?: unknown };

/**
 * Adds the options of `access`, which come from the variants of its schema. The options that are given decide which
 * variant is meant. `--access` takes the value itself, as `access --json` shows it under `grants`.
 *
 * @param shape schema of the variants, or of a list of them; a list is optional
 * @returns a function that reads the access from the options that commander has parsed
 */
export function addAccessOptions(command: Command, shape: Shape): ReadAccess {
  const list = shape.type === "array";
  const variants = ((itemOf(shape) ?? shape).options ?? []) as readonly Shape[];
  const options = new Map<string, Option>();
  for (const [field, schema] of variants.flatMap(({ entries = {} }) => Object.entries(entries))) {
    if (field === "type" || options.has(field)) continue;
    const option = command.createOption(
      ...(accessFlags[field] ?? ([`--${kebab(field)} <value>`, "(repeatable)"] as const)),
    );
    const choices = itemOf(schema)?.options;
    if (choices !== undefined) option.choices(choices as string[]);
    options.set(field, repeated(option));
    command.addOption(option);
  }
  command.option("--access <json>", `the access as JSON${list ? ", or a list of them" : ""}, instead of these options`);
  return (parsed) => {
    const values = givenValues(options, parsed);
    const named = Object.keys(values).length > 0;
    if (typeof parsed.access === "string") {
      if (named) throw invalidInput("--access cannot be combined with the options that it replaces.", "access");
      const json = tryParseJson(parsed.access);
      if (json === undefined) throw invalidInput("--access is not JSON.", "access");
      return { access: list && !Array.isArray(json) ? [json] : json };
    }
    if (list && !named) return {};
    const access = accessOf(variants, values);
    return { access: list ? [access] : access };
  };
}

/** @throws INVALID_INPUT when the options belong to two clouds, or name no consumer */
function accessOf(variants: readonly Shape[], values: Readonly<Record<string, unknown>>): object {
  const fields = Object.keys(values);
  const matching = variants.filter(({ entries = {} }) => fields.every((field) => Object.hasOwn(entries, field)));
  const [only] = matching;
  if (only === undefined) {
    throw invalidInput(
      "These options belong to different clouds.",
      "access",
      "Name the consumers of one cloud at a time.",
    );
  }
  if (fields.every((field) => qualifiers.includes(field))) {
    const consumers = Object.entries(accessFlags).filter(([field]) => !qualifiers.includes(field));
    const names = consumers.map(([, [text]]) => text.split(" ")[0]);
    throw invalidInput("No consumer is named.", "access", `Name a consumer: ${names.join(", ")}.`);
  }
  const { type, ...lists } = only.entries ?? {};
  return {
    type: type?.literal,
    ...Object.fromEntries(Object.keys(lists).map((field) => [field, values[field] ?? []])),
  };
}
