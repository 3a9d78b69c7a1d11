import type { CommandTree, CompletedCommand, CompletedOption } from "./tree.ts";

/** To be sourced, or to lie in a folder of `fpath` as `_alien-registry`. */
export function zshScript({ program, commands }: CommandTree): string {
  const name = `_${program.replaceAll("-", "_")}`;
  return `#compdef ${program}
# zsh completion for ${program}: eval "$(${program} complete zsh)", after compinit
${name}() {
  local -a commands
  commands=(
${commands.map((command) => `    ${quoted(`${command.name}:${command.summary}`)}\n`).join("")}  )
  if ((CURRENT == 2)); then
    _describe command commands
    return
  fi
  shift words
  ((CURRENT--))
  case $words[1] in
${commands.map(specs).join("")}  esac
}
if [[ $funcstack[1] == _${program} ]]; then
  ${name} "$@"
else
  compdef ${name} ${program}
fi
`;
}

function specs({ name, options, choices }: CompletedCommand): string {
  // A plain message for the argument would keep zsh from completing an option in its place: {true} offers nothing, silently.
  const argument = choices.length > 0 ? `1: :(${choices.join(" ")})` : "*: :{true}";
  const lines = [...options.map(spec), quoted(argument)];
  return `    ${name})\n      _arguments ${lines.join(" \\\n        ")}\n      ;;\n`;
}

function spec({ flags, description, value, choices, repeatable }: CompletedOption): string {
  const text = description.replace(/[\\[\]:]/g, "\\$&");
  const action = choices.length > 0 ? `(${choices.join(" ")})` : value === "folder" ? "_files -/" : " ";
  const rest = quoted(`[${text}]${value === undefined ? "" : `:${value}:${action}`}`);
  if (repeatable) return `\\*${flags[0]}${rest}`;
  // One of them excludes the others, itself included.
  return flags.length === 1 ? `${flags[0]}${rest}` : `${quoted(`(${flags.join(" ")})`)}{${flags.join(",")}}${rest}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
