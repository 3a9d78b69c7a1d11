import type { Command } from "commander";
import type { Environment } from "../binding.ts";
import { Answered } from "./report.ts";
import { jsonLine, printable } from "./terminal.ts";

const folderOption = ["--data-dir <folder>", "the registry's folder (default: DATA_DIR, or .data)"] as const;

/** Adds the command `verify`, which reads everything that a local registry keeps. */
export function addVerify(program: Command, env: Environment): void {
  const command = program
    .command("verify")
    .summary("Read everything that a local registry keeps, and find what is damaged")
    .description(
      "Reads every blob and manifest of a local registry that does not run. A damaged blob is replaced by another copy, or moved " +
        "to the folder's quarantine, and the images that need it are named: push them again. Ends with 1 if something is not whole.",
    )
    .option(...folderOption)
    .option("--json", "print the answer as JSON");
  command.action(async () => {
    const { dataDir = env.DATA_DIR || ".data", json = false } = command.opts<{ dataDir?: string; json?: boolean }>();
    const { platforms } = await import("../../platforms.ts");
    const problems: Parameters<Parameters<typeof platforms.local.verify>[1]>[0][] = [];
    const verified = await platforms.local.verify(dataDir, (problem) => {
      problems.push(problem);
      if (!json) process.stdout.write(`${printable(describe(problem))}\n`);
    });
    process.stdout.write(
      json
        ? jsonLine({ ...verified, problems })
        : `Read ${verified.blobs} blobs (${verified.bytes} bytes) of ${verified.repositories} repositories: ${problems.length === 0 ? "all is whole" : `${problems.length} problems`}.\n`,
    );
    if (problems.some(({ kind }) => kind !== "restored")) throw new Answered(1);
  });
}

function describe({
  kind,
  repository,
  digest,
  neededBy,
}: {
  kind: string;
  repository: string;
  digest: string;
  neededBy: readonly { manifest: string; tags: readonly string[] }[];
}): string {
  const users = neededBy.map(({ manifest, tags }) =>
    tags.length === 0 ? `${repository}@${manifest}` : tags.map((tag) => `${repository}:${tag}`).join(", "),
  );
  return `${kind} ${repository}@${digest}, needed by ${users.length === 0 ? "no image" : users.join(", ")}`;
}
