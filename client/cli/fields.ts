import type { Command, Option } from "commander";
import * as v from "valibot";
import type { Operation } from "../../core/operation.ts";
import { operations } from "../../core/operations.ts";
import { accessFlags, addAccessOptions, type ReadAccess } from "./access.ts";
import { duration, givenValues, itemOf, kebab, repeated, type Shape, shapeOf, wholeNumber } from "./options.ts";

/** Options that do not have the name of their field, and the names of their values. */
const flags: Readonly<Record<string, string>> = {
  ttlSeconds: "--ttl <duration>",
  permissions: "--permissions <level>",
  alsoPull: "--also-pull <repository>",
  repoId: "--repository <name>",
  credentialId: "--credential-id <id>",
  replicationRegions: "--replication-region <region>",
  pageToken: "--page-token <token>",
  pageSize: "--page-size <number>",
};

/** The help of fields for which the schema's own description does not fit a command line. */
const descriptions: Readonly<Record<string, string>> = {
  repoId: "name that `create` printed, or the logical name",
  ttlSeconds: "wished lifetime, as 900 (seconds), 15m or 1h30m; raised or capped to what the platform allows",
  alsoPull: "repository to pull from as well, such as that of a base image (repeatable)",
  replicationRegions: "AWS region that holds replicas, in addition to the home region (repeatable)",
  credentialId: "the one credential that the audit log names so",
  issuer: "who vouches for the caller who got them, as the audit log names it; with --subject",
  subject: "the caller who got them, as the audit log names it; with --issuer",
  pageToken: "where to begin: the nextPageToken of an earlier answer (default: the beginning)",
  pageSize: "how many one call asks for, up to 1,000 (default: 100)",
  deleteRepositories: "also delete the repositories with all their images",
};

/**
 * Names the option of a field, wherever a command has one: `--ttl` for `ttlSeconds`. A field that is an argument is named as the
 * help names it.
 */
export function optionName(field: string): string | undefined {
  const flag = flags[field] ?? accessFlags[field]?.[0];
  if (Object.hasOwn(placeholders, field)) return `<${placeholders[field]}>`;
  if (flag !== undefined) return flag.split(" ")[0];
  return allFields.has(field) ? `--${kebab(field)}` : undefined;
}

/** The fields of all operations that have an option: of an object, its parts. */
const allFields = new Set(
  Object.values(operations)
    .flatMap(({ input }) => Object.entries(shapeOf(input).entries ?? {}))
    .filter(([field]) => field !== "access")
    .flatMap(([field, schema]) => Object.keys(shapeOf(schema).entries ?? { [field]: schema })),
);

const placeholders: Readonly<Record<string, string>> = { name: "name", repoId: "repository", grantee: "grantee" };

/** Reads an operation's input, without `registry`, from a command line. */
export type ReadInput = (
  args: readonly unknown[],
  options: Readonly<Record<string, unknown>>,
) => Record<string, unknown>;

/**
 * Gives a command the arguments and options of an operation's schema. A required text becomes an argument, `access`
 * becomes the options of its variants, each part of an object becomes an option, and so does everything else. An option that is not given is left out
 * of the input, or has its default.
 */
export function addInput(
  command: Command,
  operation: Operation,
  defaults: Readonly<Record<string, string>>,
): ReadInput {
  const { registry: _, ...entries } = shapeOf(operation.input).entries ?? {};
  const positional: string[] = [];
  const named: [field: string, option: Option][] = [];
  const parts: [field: string, options: [part: string, option: Option][]][] = [];
  let access: ReadAccess = () => ({});
  for (const [field, schema] of Object.entries(entries)) {
    const shape = shapeOf(schema);
    const optional = schema !== shape;
    if (shape.type === "string" && !optional) {
      command.argument(`<${placeholders[field] ?? field}>`, descriptionOf(field, shape));
      positional.push(field);
    } else if ((itemOf(shape) ?? shape).type === "variant") {
      access = addAccessOptions(command, shape);
    } else if (shape.entries !== undefined) {
      const options = Object.entries(shape.entries).map(([part, each]): [string, Option] => {
        return [part, optionOf(command, part, shapeOf(each))];
      });
      for (const [, option] of options) command.addOption(option);
      parts.push([field, options]);
    } else {
      const option = optionOf(command, field, shape);
      const standard = defaults[field];
      if (standard !== undefined) option.default(standard);
      else if (!optional) option.makeOptionMandatory();
      command.addOption(option);
      named.push([field, option]);
    }
  }
  return (args, options) => ({
    ...Object.fromEntries(positional.map((field, index) => [field, args[index]])),
    ...givenValues(named, options),
    ...Object.fromEntries(
      parts
        .map(([field, each]) => [field, givenValues(each, options)] as const)
        .filter(([, values]) => Object.keys(values).length > 0),
    ),
    ...access(options),
  });
}

function optionOf(command: Command, field: string, shape: Shape): Option {
  const flag = flags[field] ?? `--${kebab(field)}${shape.type === "boolean" ? "" : " <value>"}`;
  const option = command.createOption(flag, descriptionOf(field, shape));
  const choices = (itemOf(shape) ?? shape).options;
  if (choices !== undefined) option.choices(choices as string[]);
  if (shape.type === "number") option.argParser(field.endsWith("Seconds") ? duration : wholeNumber);
  return shape.type === "array" ? repeated(option) : option;
}

function descriptionOf(field: string, shape: Shape): string {
  return descriptions[field] ?? v.getDescription(shape as unknown as v.GenericSchema) ?? "";
}
