import type { Command } from "commander";
import type { Environment } from "../binding.ts";

/** The options of the local platform, and the variables that they set. */
const serveOptions = [
  ["--port <port>", "PORT", "port of the API; 0 takes a free one (default: PORT, or 8080)"],
  [
    "--registry-port <port>",
    "REGISTRY_PORT",
    "port of the registry; 0 takes a free one (default: REGISTRY_PORT, or 5050)",
  ],
  ["--host <address>", "HOST", "address that both listen on (default: HOST, or 127.0.0.1)"],
  [
    "--data-dir <folder>",
    "DATA_DIR",
    "folder for images and for the key that signs credentials (default: DATA_DIR, or .data)",
  ],
] as const;

/** Adds the command `serve`, which runs the local platform in this process until a signal ends it. */
export function addServe(program: Command, env: Environment): void {
  const command = program
    .command("serve")
    .summary("Serve the local platform on this machine")
    .description(
      "Serves the operations with a registry of its own. Prints where it listens and how to use it. Ctrl-C ends it.",
    );
  const options = serveOptions.map(([flags, variable, description]) => {
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
    const settings = { ...env, ...Object.fromEntries(given) };
    if (!(await platforms.local.serve(settings, program.name()))) process.exitCode = 1;
  });
}

/** Adds the command `rotate-key`, which gives the local registry of a data folder a new signing key while it runs. */
export function addRotateKey(program: Command, env: Environment): void {
  const command = program
    .command("rotate-key")
    .summary("Give a local registry a new signing key, while it runs or not")
    .description(
      "Makes a new key in the data folder of a local registry. Credentials of the old key count until the last of them " +
        "has ended.",
    )
    .option("--data-dir <folder>", "the registry's folder (default: DATA_DIR, or .data)")
    .option("--end-all", "also end every credential that the registry has given out, at once");
  command.action(async () => {
    const { dataDir = env.DATA_DIR || ".data", endAll = false } = command.opts<{
      dataDir?: string;
      endAll?: boolean;
    }>();
    const { platforms } = await import("../../platforms.ts");
    const endsAt = await platforms.local.rotateKey(dataDir, { now: new Date(), endAll });
    process.stdout.write(
      endAll
        ? "A new key signs. No credential of an old key counts.\n"
        : `A new key signs. Credentials of the old one count until they end, by ${endsAt.toISOString()} at the latest.\n`,
    );
  });
}
