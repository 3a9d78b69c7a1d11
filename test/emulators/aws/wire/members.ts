import { readFileSync } from "node:fs";

/** A member of an operation's input, with what AWS's model says of it. */
interface Member {
  readonly path: readonly string[];
  readonly type: string;
  readonly required: boolean;
  readonly min: number;
  readonly max: number;
  readonly enum: readonly string[] | undefined;
  readonly pattern: RegExp | undefined;
}

/**
 * What AWS's own models (botocore) say of the inputs of the operations that are emulated, a member a line. The file is made and held
 * by test/aws/judges/models.e2e.ts: a newer model shows there what the emulator has not learnt.
 */
const table = readFileSync(new URL("members.txt", import.meta.url), "utf8");

const members = new Map<string, Member[]>();
for (const line of table.split("\n").filter(Boolean)) {
  const [operation = "", path = "", type = "", ...words] = line.split(" ");
  const word = (name: string) => words.find((each) => each.startsWith(`${name}=`))?.slice(name.length + 1);
  // A pattern is the last word and may hold spaces.
  const pattern = / pattern=(.*)$/.exec(line)?.[1];
  const known = members.get(operation) ?? [];
  members.set(operation, known);
  known.push({
    path: path
      .replaceAll("[]", ".[]")
      .replace(/\{(?:key)?\}/g, ".$&")
      .split("."),
    type,
    required: words.includes("required"),
    min: Number(word("min") ?? 0),
    max: Number(word("max") ?? Number.POSITIVE_INFINITY),
    enum: word("enum")?.split("|"),
    // Java's dialect: the whole must match.
    pattern: pattern === undefined ? undefined : new RegExp(`^(?:${pattern})$`, pattern.includes("\\p{") ? "u" : ""),
  });
}

/**
 * Why AWS refuses an input because of what is missing, too long, too short, or of another form; undefined where it does not. Members that
 * no model has are let pass, as AWS does.
 *
 * @param operation as `ecr:CreateRepository`
 */
export function memberProblem(operation: string, values: Readonly<Record<string, unknown>>): string | undefined {
  for (const member of members.get(operation) ?? []) {
    for (const value of valuesAt(values, member.path)) {
      const problem = problemOf(member, value);
      if (problem !== undefined) return `Value at '${member.path.join("/")}' failed to satisfy constraint: ${problem}`;
    }
  }
  return undefined;
}

/** The values at a path, one for each structure that has the member or lacks it. */
function valuesAt(value: unknown, [first, ...more]: readonly string[]): unknown[] {
  if (first === undefined) return [value];
  if (typeof value !== "object" || value === null) return [];
  if (first === "[]") return Array.isArray(value) ? value.flatMap((each) => valuesAt(each, more)) : [];
  if (first === "{key}") return Object.keys(value);
  if (first === "{}") return Object.values(value).flatMap((each) => valuesAt(each, more));
  return valuesAt((value as Readonly<Record<string, unknown>>)[first], more);
}

function problemOf(member: Member, value: unknown): string | undefined {
  if (value === undefined || value === null) return member.required ? "Member must not be null" : undefined;
  const { type, min, max } = member;
  const isText = type === "string";
  if (isText && typeof value !== "string") return "Member must be a text";
  if (type === "list" && value === "") return undefined;
  if (type === "list" && !Array.isArray(value)) return "Member must be a list";
  const size =
    isText || type === "list"
      ? (value as string | unknown[]).length
      : /^(?:integer|long)$/.test(type)
        ? Number(value)
        : min;
  const what = isText || type === "list" ? "have length" : "have value";
  if (!(size >= min)) return `Member must ${what} greater than or equal to ${min}`;
  if (size > max) return `Member must ${what} less than or equal to ${max}`;
  if (member.enum !== undefined && !member.enum.includes(String(value))) {
    return `Member must satisfy enum value set: [${member.enum.join(", ")}]`;
  }
  if (member.pattern !== undefined && !member.pattern.test(String(value))) {
    return `Member must satisfy regular expression pattern: ${member.pattern.source}`;
  }
  return undefined;
}
