import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../", import.meta.url));

/** A policy as IAM reads it. */
export interface Policy {
  readonly Version: string;
  readonly Statement: readonly Statement[];
}

export interface Statement {
  readonly Sid: string;
  readonly Effect: "Allow" | "Deny";
  readonly Action: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

export function read(path: string): string {
  return readFileSync(root + path, "utf8");
}

/** The text of every file below a folder whose name ends so, without what the tests of a module make beside it. */
export function readAll(folder: string, end: string): string[] {
  return readdirSync(root + folder, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(end) && !path.includes("/.") && !path.startsWith("tests/"))
    .map((path) => read(`${folder}/${path}`));
}

/** Which concerns' policies each door's role has. */
export const doorPolicies: Readonly<Record<string, readonly string[]>> = JSON.parse(
  read("infra/aws/policies/doors.json"),
);

/** Every policy that the module knows, by its file's name. */
export const policyNames: readonly string[] = readdirSync(`${root}infra/aws/policies`)
  .filter((name) => name.endsWith(".json.tftpl"))
  .map((name) => name.slice(0, -".json.tftpl".length));

/**
 * A policy of the module with its blanks filled in, as OpenTofu does it: each stands for a JSON value.
 *
 * @throws for a blank without a value
 * @example
 * renderPolicy("leases", { lease_table: "arn:aws:dynamodb:us-east-1:111122223333:table/acme-leases" })
 */
export function renderPolicy(name: string, values: Readonly<Record<string, string | readonly string[]>>): Policy {
  const text = read(`infra/aws/policies/${name}.json.tftpl`).replace(/\$\{(\w+)\}/g, (_, blank: string) => {
    if (!Object.hasOwn(values, blank)) throw new Error(`${name} needs a value for ${blank}`);
    return JSON.stringify(values[blank]);
  });
  return JSON.parse(text);
}

/** The blanks of a policy. */
export function blanksOf(name: string): string[] {
  return [...read(`infra/aws/policies/${name}.json.tftpl`).matchAll(/\$\{(\w+)\}/g)].map(([, blank = ""]) => blank);
}

/** The actions that a policy's statements allow. */
export function allowedActions({ Statement: statements }: Policy): string[] {
  return statements.filter(({ Effect }) => Effect === "Allow").flatMap(({ Action }) => Action);
}
