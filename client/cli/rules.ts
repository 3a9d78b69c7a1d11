import type { Command } from "commander";
import type { Environment } from "../binding.ts";
import { Answered } from "./report.ts";
import { paint, printable } from "./terminal.ts";

/** Adds the command `rules check FILE`, which reads access rules as a function does, and says what they allow. */
export function addRules(program: Command, env: Environment): void {
  const command = program.command("rules");
  const action = command.createArgument("<action>", "what to do with the rules").choices(["check"]);
  command
    .summary("Check a file of access rules, and say what they allow")
    .description(
      "Reads access rules as a function does, and says which of them lets a caller do something, or why none does.",
    )
    .addArgument(action)
    .argument("<file>", "the file: a JSON list of rules, as in ALIEN_ACCESS_RULES_FILE")
    .option("--as <words...>", "the caller: issuer, subject, and the claims of its token as JSON where it has any")
    .option("--may <words...>", "what it wants: operation, repository as the rules name it, and pull or push-pull")
    .option("--registry <name>", "name of the registry (default: the only one that the rules name)")
    .action(async (_action: string, file: string) => {
      const { as, may, registry } = command.opts<{ as?: string[]; may?: string[]; registry?: string }>();
      // Loaded here, because no other command needs it.
      const { checkRules } = await import("./rules-check.ts");
      const { lines, warnings, exitCode } = checkRules(file, { as, may, registry }, env);
      for (const warning of warnings) {
        process.stderr.write(`${paint(process.stderr, "yellow", "warning:")} ${printable(warning)}\n`);
      }
      const to = exitCode === 1 ? process.stderr : process.stdout;
      to.write(lines.map((line) => `${printable(line)}\n`).join(""));
      if (exitCode !== 0) throw new Answered(exitCode);
    });
}
