import type { Command } from "commander";
import { type Environment, environment } from "../binding.ts";
import { parsed } from "../json.ts";

const isBinding = /^ALIEN_[A-Z0-9_]+_BINDING$/;

/** The options of the local platform, and the variables that they stand for. */
const settings = [
  ["--port <port>", "PORT", "port of the API; 0 takes a free one (default: PORT, or 8080)"],
  [
    "--registry-port <port>",
    "REGISTRY_PORT",
    "port of the registry; 0 takes a free one (default: REGISTRY_PORT, or 5050)",
  ],
  ["--host <address>", "HOST", "address that both listen on (default: HOST, or 127.0.0.1)"],
  ["--data-dir <folder>", "DATA_DIR", "images, and the key that signs credentials (default: DATA_DIR, or .data)"],
] as const;

/** `serve`: the local platform in this process, until a signal ends it. */
export function addServe(program: Command): void {
  const command = program
    .command("serve")
    .summary("Serve the local platform on this machine")
    .description(
      "Serves the operations over a registry of its own. Prints where it is and how to use it; Ctrl-C ends it.",
    );
  const options = settings.map(([flags, variable, description]) => {
    const option = command.createOption(flags, description);
    command.addOption(option);
    return [variable, option] as const;
  });
  command.action(async () => {
    const given = options.flatMap(([variable, option]) => {
      const value = command.opts<Record<string, string>>()[option.attributeName()];
      return value === undefined ? [] : [[variable, value]];
    });
    const { platforms } = await import("../../platforms.ts");
    const env = { ...forServer(environment()), ...Object.fromEntries(given) };
    if (!(await platforms.local.serve(env))) process.exitCode = 1;
  });
}

/** One variable has two readers: where it binds a function it is a client's, and says nothing to a server. */
function forServer(env: Environment): Environment {
  return Object.fromEntries(
    Object.entries(env).filter(([name, text = ""]) => !(isBinding.test(name) && isFunctions(text))),
  );
}

function isFunctions(binding: string): boolean {
  return (parsed(binding) as { service?: unknown } | null | undefined)?.service === "function";
}
