import type { CommandTree, CompletedCommand } from "./tree.ts";

export function fishScript({ program, commands }: CommandTree): string {
  const complete = `complete -c ${program}`;
  const lines = commands.flatMap((command) => [
    `${complete} -n __fish_use_subcommand -a ${command.name} -d ${quoted(command.summary)}`,
    ...under(command).map((rest) => `${complete} -n '__fish_seen_subcommand_from ${command.name}' ${rest}`),
  ]);
  return `# fish completion for ${program}: ${program} complete fish | source
${complete} -f
${lines.join("\n")}
`;
}

function under({ options, choices }: CompletedCommand): string[] {
  return [
    ...(choices.length > 0 ? [`-a ${quoted(choices.join(" "))}`] : []),
    ...options.map(({ flags, description, value, choices: values }) => {
      const names = flags.map((flag) => (flag.startsWith("--") ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`));
      return [...names, ...takes(value, values), `-d ${quoted(description)}`].join(" ");
    }),
  ];
}

/** -x: it has a value, which is no file; -r -F: it has one, which may be a file. */
function takes(value: string | undefined, choices: readonly string[]): string[] {
  if (value === undefined) return [];
  if (choices.length > 0) return [`-x -a ${quoted(choices.join(" "))}`];
  return [value === "folder" ? "-r -F" : "-x"];
}

function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}
