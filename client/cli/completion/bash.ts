import type { CommandTree, CompletedCommand } from "./tree.ts";

/** For bash 3.2 and newer, with or without the package bash-completion. Nothing that is typed is ever evaluated. */
export function bashScript({ program, commands }: CommandTree): string {
  const name = `_${program.replaceAll("-", "_")}`;
  return `# bash completion for ${program}: eval "$(${program} complete bash)"
${name}() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} words=
  # "=" is a word of its own to bash.
  if [[ $current == "=" ]]; then
    current=
  elif [[ $previous == "=" ]]; then
    previous=\${COMP_WORDS[COMP_CWORD-2]}
  fi
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    words="${[...commands.map((command) => command.name), "--help", "--version"].join(" ")}"
  else
    case $previous in
${values(commands)}    *)
      case \${COMP_WORDS[1]} in
${commands.map(flags).join("")}      esac
      ;;
    esac
  fi
  # shellcheck disable=SC2207
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F ${name} ${program}
`;
}

/** Values of options. One name means the same with every command. */
function values(commands: readonly CompletedCommand[]): string {
  const actions = new Map<string, Set<string>>();
  for (const { flags: names, value, choices } of commands.flatMap(({ options }) => options)) {
    if (value === undefined) continue;
    const folders = value === "folder" ? "compopt -o dirnames 2>/dev/null" : ":";
    const action = choices.length > 0 ? `words="${choices.join(" ")}"` : folders;
    actions.set(action, new Set([...(actions.get(action) ?? []), ...names]));
  }
  return [...actions].map(([action, names]) => `    ${[...names].join(" | ")}) ${action} ;;\n`).join("");
}

function flags({ name, options, choices }: CompletedCommand): string {
  const all = options.flatMap((option) => option.flags).join(" ");
  const words = choices.length > 0 ? ` || words="${choices.join(" ")}"` : "";
  return `      ${name}) [[ $current == -* ]] && words="${all}"${words} ;;\n`;
}
