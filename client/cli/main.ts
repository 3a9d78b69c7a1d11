#!/usr/bin/env node
import { writeStdoutWhole } from "../../core/stdout.ts";
import { run } from "./program.ts";

writeStdoutWhole();

// A reader that has seen enough, as `head`, is no fault.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit();
  process.stderr.write("error: The answer cannot be written.\n");
  process.exit(1);
});

// What nobody reads cannot be told; the exit code tells it.
process.stderr.on("error", () => {});

process.exitCode = await run(process.argv.slice(2));
