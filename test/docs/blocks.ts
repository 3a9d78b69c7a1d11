/** A fenced block of a page, and the comment above it: docs/README.md says what they mean. */
export interface Block {
  readonly page: string;
  /** Of its first fence, from 1. */
  readonly line: number;
  /** Empty where the fence names none. */
  readonly language: string;
  readonly mark: Mark | undefined;
  readonly text: string;
}

export type Mark =
  | { readonly kind: "run" }
  | { readonly kind: "form"; readonly form: string }
  | { readonly kind: "needs"; readonly what: string }
  | { readonly kind: "tested-by"; readonly path: string };

/** @throws Error naming the line of a comment that begins as a mark and is none, or of a fence that does not end */
export function blocksOf(page: string, text: string): Block[] {
  const lines = text.split("\n");
  const blocks: Block[] = [];
  for (let index = 0; index < lines.length; index++) {
    const [, indent = "", fence, language = ""] = /^( *)(`{3,})\s*(\S*)/.exec(lines[index] ?? "") ?? [];
    if (fence === undefined) continue;
    const end = lines.findIndex((line, at) => at > index && line.trim() === fence);
    if (end < 0) throw new Error(`${page}:${index + 1}: the block does not end.`);
    const body = lines
      .slice(index + 1, end)
      .map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line));
    const mark = markOf(lines[index - 1] ?? "", `${page}:${index}`);
    blocks.push({ page, line: index + 1, language, mark, text: `${body.join("\n")}\n` });
    index = end;
  }
  return blocks;
}

function markOf(line: string, where: string): Mark | undefined {
  const comment = /^\s*<!--\s*(.*?)\s*-->\s*$/.exec(line)?.[1];
  if (comment === undefined) return undefined;
  const [, name, value = ""] = /^(doc-test|needs|tested-by): (.+)$/.exec(comment) ?? [];
  switch (name) {
    case "needs":
      return { kind: "needs", what: value };
    case "tested-by":
      return { kind: "tested-by", path: value };
    case "doc-test":
      return value === "run" ? { kind: "run" } : { kind: "form", form: value };
    default:
      throw new Error(`${where}: "${comment}" is no mark of a block.`);
  }
}

/** A command of a `console` block, and what it prints there. */
export interface Command {
  readonly text: string;
  readonly printed: readonly string[];
}

/** A command begins with `$ `; its next lines are part of it while a line ends with `\`. */
export function commandsOf(text: string): Command[] {
  const commands: { text: string; printed: string[] }[] = [];
  let goesOn = false;
  for (const line of text.split("\n")) {
    const last = commands.at(-1);
    if (goesOn && last) last.text += `\n${line}`;
    else if (line.startsWith("$ ")) commands.push({ text: line.slice(2), printed: [] });
    else if (line.trim() !== "" && !last) throw new Error(`"${line}" is printed by no command.`);
    else if (line.trim() !== "") last?.printed.push(line);
    goesOn = (line.startsWith("$ ") || goesOn) && line.endsWith("\\");
  }
  return commands;
}

const variable: readonly [RegExp, string][] = [
  [/\\\.\\\.\\\./g, ".*"],
  [/[0-9a-f]{64}/g, "[0-9a-f]{64}"],
  [/\d{4}\\?-\d{2}\\?-\d{2}T\d{2}:\d{2}:\d{2}(?:\\\.\d+)?Z/g, "\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(?:\\.\\d+)?Z"],
];

/** A line as a page prints it: `...`, digests and times stand for any. */
export function printedAs(line: string): RegExp {
  const literal = line.trim().replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(variable.reduce((text, [what, pattern]) => text.replace(what, pattern), literal));
}
