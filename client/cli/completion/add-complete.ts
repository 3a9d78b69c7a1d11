import type { Command } from "commander";
import { bashScript } from "./bash.ts";
import { fishScript } from "./fish.ts";
import { treeOf } from "./tree.ts";
import { zshScript } from "./zsh.ts";

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

/** `complete <shell>`: prints the script by which that shell completes what it finds in the tree of commands. */
export function addComplete(program: Command): void {
  const shell = program.createArgument("<shell>", "the shell that completes").choices(Object.keys(scripts));
  program
    .command("complete")
    .description("Print the script that completes commands in bash, zsh or fish")
    .addArgument(shell)
    .action((name: keyof typeof scripts) => {
      process.stdout.write(scripts[name](treeOf(program)));
    });
}
