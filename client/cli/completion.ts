import type { Command } from "commander";
import { environment } from "../binding.ts";
import { boundRegistries } from "./connecting.ts";

/**
 * `complete <shell>` prints a shell's script, which asks `complete -- <words>` at each TAB.
 *
 * @param asked false loads nothing of it, and only tells in the help that it is there
 */
export async function addCompletion(program: Command, asked: boolean): Promise<void> {
  if (!asked) {
    program.command("complete <shell>").description("Print the script that completes commands in bash, zsh or fish");
    return;
  }
  const { default: tab } = await import("@bomb.sh/tab/commander");
  const completion = tab(program);
  for (const command of completion.commands.values()) {
    const option = command.options.get("registry");
    if (option === undefined) continue;
    option.handler = (complete) => {
      for (const name of boundRegistries(environment())) complete(name, "");
    };
  }
}
