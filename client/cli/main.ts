#!/usr/bin/env node
import { writeStdoutWhole } from "../../core/stdout.ts";
import { run } from "./program.ts";

writeStdoutWhole();

// A reader that has seen enough, such as `head`, is not an error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit();
  process.stderr.write("error: The answer cannot be written.\n");
  process.exit(1);
});

// Nobody reads the standard error any more, but there is still the exit code.
process.stderr.on("error", () => {});

process.exitCode = await run(process.argv.slice(2));
