import type { Command } from "commander";
import type { Environment } from "../binding.ts";
import { boundRegistries, chooseTarget, openConnection } from "./connecting.ts";
import { withRunningServer } from "./running-server.ts";

/** `complete <shell>`: prints the script by which a shell completes our commands. */

/** What a shell can complete. It is read from commander's own tree. */
interface CommandTree {
  readonly program: string;
  readonly commands: readonly CompletedCommand[];
}

interface CompletedCommand {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly CompletedOption[];
  /** What its argument may be, if that is a choice. */
  readonly choices: readonly string[];
  /** Whether its first argument is a repository that exists. */
  readonly takesRepository: boolean;
}

interface CompletedOption {
  /** `--long`, and `-s` if there is one. */
  readonly flags: readonly string[];
  readonly description: string;
  /** Name of its value; absent for an option without one. */
  readonly value?: string;
  readonly choices: readonly string[];
  readonly repeatable: boolean;
  /** Whether its value is a registry that the environment binds. */
  readonly takesRegistry: boolean;
}

/** The command that prints the names for a shell, while somebody completes. */
const namesOf = (program: string, kind: "registries" | "repositories") => `$(${program} names ${kind} 2>/dev/null)`;

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

/** The most names that are offered, and how long a shell may wait for them, in milliseconds. */
const atMost = { pageSize: 1_000, timeoutMs: 3_000 };

/**
 * Adds the hidden command `names <kind>`, which the scripts call: the registries that are bound, or the repositories of the one that is meant.
 * A shell evaluates what it completes, so a name that could be anything but a word is left out. Nothing is printed if anything fails.
 */
export function addNames(
  program: Command,
  { env, signal }: { readonly env: Environment; readonly signal: AbortSignal },
): void {
  program
    .command("names", { hidden: true })
    .argument("<kind>")
    .action(async (kind: string) => {
      const names = async () => {
        const found = withRunningServer(env);
        if (kind === "registries") return boundRegistries(found);
        const { timeoutMs, pageSize } = atMost;
        const limits = { env: found, signal, timeoutMs };
        const connection = await openConnection(await chooseTarget({}, found), {}, limits);
        const { repositories } = await connection.call("listRepositories", { pageSize });
        return repositories.map(({ name }) => name);
      };
      const found = await names().catch(() => []);
      process.stdout.write(
        found
          .filter((name) => /^[\w./-]+$/.test(name))
          .map((name) => `${name}\n`)
          .join(""),
      );
    });
}

/** Adds the command `complete <shell>`, which completes all commands of the program. */
export function addComplete(program: Command): void {
  const shell = program.createArgument("<shell>", "the shell that completes").choices(Object.keys(scripts));
  program
    .command("complete")
    .description("Print the script that completes commands in bash, zsh or fish")
    .addArgument(shell)
    .action((name: keyof typeof scripts) => {
      process.stdout.write(scripts[name](readCommandTree(program)));
    });
}

function readCommandTree(program: Command): CommandTree {
  const commands = program.createHelp().visibleCommands(program);
  return { program: program.name(), commands: commands.map(readCommand) };
}

function readCommand(command: Command): CompletedCommand {
  const help = command.createHelp();
  return {
    name: command.name(),
    summary: help.subcommandDescription(command),
    options: help.visibleOptions(command).map((option) => {
      const value = /<(.+)>/.exec(option.flags)?.[1];
      return {
        flags: [option.long, option.short].filter((flag) => flag !== undefined && flag !== null),
        description: option.description,
        ...(value !== undefined && { value }),
        choices: option.argChoices ?? [],
        repeatable: /\(repeatable\)/.test(option.description),
        takesRegistry: option.long === "--registry",
      };
    }),
    choices: command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices),
    takesRepository: command.registeredArguments[0]?.name() === "repository",
  };
}

/** For bash 3.2 and newer, with or without the package bash-completion. It never evaluates what is typed. */
function bashScript({ program, commands }: CommandTree): string {
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
${bashValues(program, commands)}    *)
      case \${COMP_WORDS[1]} in
${commands.map((command) => bashFlags(program, command)).join("")}      esac
      ;;
    esac
  fi
  # shellcheck disable=SC2207
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F ${name} ${program}
`;
}

/** Completes values of options. An option means the same in every command. */
function bashValues(program: string, commands: readonly CompletedCommand[]): string {
  const actions = new Map<string, Set<string>>();
  for (const { flags: names, value, choices, takesRegistry } of commands.flatMap(({ options }) => options)) {
    if (value === undefined) continue;
    const folders = value === "folder" ? "compopt -o dirnames 2>/dev/null" : ":";
    const words = takesRegistry ? namesOf(program, "registries") : choices.join(" ");
    const action = words === "" ? folders : `words="${words}"`;
    actions.set(action, new Set([...(actions.get(action) ?? []), ...names]));
  }
  return [...actions].map(([action, names]) => `    ${[...names].join(" | ")}) ${action} ;;\n`).join("");
}

function bashFlags(program: string, { name, options, choices, takesRepository }: CompletedCommand): string {
  const all = options.flatMap((option) => option.flags).join(" ");
  const named = takesRepository ? namesOf(program, "repositories") : choices.join(" ");
  const words = named === "" ? "" : ` || words="${named}"`;
  return `      ${name}) [[ $current == -* ]] && words="${all}"${words} ;;\n`;
}

/** The script is sourced, or stands in a folder of `fpath` as `_alien-registry`. */
function zshScript({ program, commands }: CommandTree): string {
  const name = `_${program.replaceAll("-", "_")}`;
  return `#compdef ${program}
# zsh completion for ${program}: eval "$(${program} complete zsh)", after compinit
${name}() {
  local -a commands
  commands=(
${commands.map((command) => `    ${shellQuoted(`${command.name}:${command.summary}`)}\n`).join("")}  )
  if ((CURRENT == 2)); then
    _describe command commands
    return
  fi
  shift words
  ((CURRENT--))
  case $words[1] in
${commands.map((command) => zshCommand(program, command)).join("")}  esac
}
if [[ $funcstack[1] == _${program} ]]; then
  ${name} "$@"
else
  compdef ${name} ${program}
fi
`;
}

function zshCommand(program: string, { name, options, choices, takesRepository }: CompletedCommand): string {
  // With a plain message for the argument, zsh would not complete an option in its place. {true} offers nothing.
  const other = choices.length > 0 ? `1: :(${choices.join(" ")})` : "*: :{true}";
  const argument = takesRepository ? `1: :${zshNames(program, "repositories")}` : other;
  const lines = [...options.map((option) => zshOption(program, option)), shellQuoted(argument)];
  return `    ${name})\n      _arguments ${lines.join(" \\\n        ")}\n      ;;\n`;
}

/** Runs a command for the names, and offers each as it is. */
function zshNames(program: string, kind: "registries" | "repositories"): string {
  return `{compadd -- \${(f)"${namesOf(program, kind)}"}}`;
}

function zshOption(
  program: string,
  { flags, description, value, choices, repeatable, takesRegistry }: CompletedOption,
): string {
  const text = description.replace(/[\\[\]:]/g, "\\$&");
  const other = choices.length > 0 ? `(${choices.join(" ")})` : value === "folder" ? "_files -/" : " ";
  const action = takesRegistry ? zshNames(program, "registries") : other;
  const rest = shellQuoted(`[${text}]${value === undefined ? "" : `:${value}:${action}`}`);
  if (repeatable) return `\\*${flags[0]}${rest}`;
  // Each of the flags excludes all of them, itself included.
  return flags.length === 1
    ? `${flags[0]}${rest}`
    : `${shellQuoted(`(${flags.join(" ")})`)}{${flags.join(",")}}${rest}`;
}

function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function fishScript({ program, commands }: CommandTree): string {
  const complete = `complete -c ${program}`;
  const lines = commands.flatMap((command) => [
    `${complete} -n __fish_use_subcommand -a ${command.name} -d ${fishQuoted(command.summary)}`,
    ...fishCommand(program, command).map(
      (rest) => `${complete} -n '__fish_seen_subcommand_from ${command.name}' ${rest}`,
    ),
  ]);
  return `# fish completion for ${program}: ${program} complete fish | source
${complete} -f
${lines.join("\n")}
`;
}

function fishCommand(program: string, { options, choices, takesRepository }: CompletedCommand): string[] {
  return [
    ...(choices.length > 0 ? [`-a ${fishQuoted(choices.join(" "))}`] : []),
    ...(takesRepository ? [`-a ${fishQuoted(fishNames(program, "repositories"))}`] : []),
    ...options.map(({ flags, description, value, choices: values, takesRegistry }) => {
      const names = flags.map((flag) => (flag.startsWith("--") ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`));
      const offered = takesRegistry ? [fishNames(program, "registries")] : values;
      return [...names, ...fishValue(value, offered), `-d ${fishQuoted(description)}`].join(" ");
    }),
  ];
}

const fishNames = (program: string, kind: "registries" | "repositories") => namesOf(program, kind).slice(1);

/** -x: the option has a value, which is not a file. -r -F: it has a value, which may be a file. */
function fishValue(value: string | undefined, choices: readonly string[]): string[] {
  if (value === undefined) return [];
  if (choices.length > 0) return [`-x -a ${fishQuoted(choices.join(" "))}`];
  return [value === "folder" ? "-r -F" : "-x"];
}

function fishQuoted(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}
