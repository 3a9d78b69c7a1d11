import type { Command } from "commander";

/** What a shell can complete, read off commander's tree. */
export interface CommandTree {
  readonly program: string;
  readonly commands: readonly CompletedCommand[];
}

export interface CompletedCommand {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly CompletedOption[];
  /** What its argument may be, where that is a choice. */
  readonly choices: readonly string[];
}

export interface CompletedOption {
  /** `--long`, and `-s` where there is one. */
  readonly flags: readonly string[];
  readonly description: string;
  /** Name of its value; absent for one that has none. */
  readonly value?: string;
  readonly choices: readonly string[];
  readonly repeatable: boolean;
}

export function treeOf(program: Command): CommandTree {
  const commands = program.createHelp().visibleCommands(program);
  return { program: program.name(), commands: commands.map(commandOf) };
}

function commandOf(command: Command): CompletedCommand {
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
      };
    }),
    choices: command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices),
  };
}
