import { ArtifactRegistryError } from "../../core/errors.ts";
import { commands } from "./commands.ts";
import { optionName } from "./fields.ts";
import { installCommand } from "./installation.ts";

/** For each operation, the command that runs it; the first one where there are several. */
const commandOf = new Map<string, string>();
for (const [name, { operation }] of Object.entries(commands)) {
  if (!commandOf.has(operation)) commandOf.set(operation, name);
}
// `login` comes first, but what a message means are the credentials themselves.
commandOf.set("generateCredentials", "credentials");

/** What programs write, and what people write instead. */
const phrases: readonly (readonly [program: string, person: string])[] = [
  ['with {mode: "direct"} or --direct', "with --direct"],
  ["or pass url and platform", "or pass --url and --platform"],
];

/**
 * Says an error in the words of the command line: commands instead of operations, options instead of fields. Scripts get the
 * error as it is.
 */
export function inOwnWords(error: ArtifactRegistryError): ArtifactRegistryError {
  const { message, hint, code, ...rest } = error;
  const { field, packages } = error.context ?? {};
  const install = typeof packages === "string" ? installCommand(packages) : undefined;
  const ownHint = install ?? (hint === undefined ? undefined : reword(hint));
  return new ArtifactRegistryError(code, reword(message, field), { ...rest, hint: ownHint, cause: error });
}

/** @param field path of the field that the text is about, which it puts between quotation marks */
function reword(text: string, field?: unknown): string {
  let words = text;
  const option = typeof field === "string" ? field.split(".").map(optionName).findLast(Boolean) : undefined;
  if (option !== undefined) words = words.replaceAll(`"${field}"`, option);
  for (const [program, person] of phrases) words = words.replaceAll(program, person);
  return words
    .replace(/\b([a-z]\w+): true\b/g, (all, name: string) => optionName(name) ?? all)
    .replace(/\b[a-z]+[A-Z]\w+\b/g, (word) => {
      const command = commandOf.get(word);
      return command === undefined ? (optionName(word) ?? word) : `\`alien-registry ${command}\``;
    });
}
