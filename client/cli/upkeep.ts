import type { Command } from "commander";
import { invalidInput } from "../../core/errors.ts";
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

/** Adds the command `collect`, which removes untagged images of a local registry. */
export function addCollect(program: Command, env: Environment): void {
  const command = program
    .command("collect")
    .summary("Remove a local registry's untagged images, and blobs that no image needs")
    .description(
      "Collects the garbage of a local registry that does not run. Tagged images stay, with what they list and what refers to " +
        "them. So do blobs of the last six hours, since a push may still need them.",
    )
    .option("--dry-run", "remove nothing, and print what would be removed")
    .option("--untagged-days <days>", "how old an untagged image must be (default: COLLECT_UNTAGGED_DAYS, or 7)")
    .option("--keep-last <number>", "untagged images of each repository that stay (default: COLLECT_KEEP_LAST, or 3)")
    .option(...folderOption)
    .option("--json", "print the answer as JSON");
  command.action(async () => {
    const {
      dataDir = env.DATA_DIR || ".data",
      dryRun = false,
      json = false,
      ...given
    } = command.opts<{
      dataDir?: string;
      dryRun?: boolean;
      json?: boolean;
      untaggedDays?: string;
      keepLast?: string;
    }>();
    const policy = {
      untaggedMs:
        24 * 3_600_000 * requireNumber("--untagged-days", given.untaggedDays ?? (env.COLLECT_UNTAGGED_DAYS || "7")),
      keepLast: requireNumber("--keep-last", given.keepLast ?? (env.COLLECT_KEEP_LAST || "3")),
    };
    const { platforms } = await import("../../platforms.ts");
    const removed: { kind: string; repository: string; digest: string; bytes: number }[] = [];
    const verb = dryRun ? "would remove" : "removed";
    const collected = await platforms.local.collect(dataDir, {
      policy,
      dryRun,
      report(removal) {
        removed.push(removal);
        const { kind, repository, digest } = removal;
        if (!json) process.stdout.write(`${printable(`${verb} ${kind} ${repository}@${digest}`)}\n`);
      },
    });
    const { images, blobs, bytes } = collected;
    process.stdout.write(
      json
        ? jsonLine({ ...collected, removed })
        : `${dryRun ? "Would remove" : "Removed"} ${images} images and ${blobs} blobs, ${bytes} bytes.\n`,
    );
  });
}

function requireNumber(name: string, text: string): number {
  if (/^\d{1,5}(\.\d+)?$/.test(text)) return Number(text);
  throw invalidInput(`${name} must be a number, not "${text}".`);
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
