/**
 * How large our files are and who imports them: `npm run measure`. Then which of them could be folded into the one file
 * that imports them: those of at most 30 lines, or all of them with `--all`.
 *
 * `npm run measure -- bundles` builds every bundle and prints the bytes of its JavaScript, and how many of them a cold
 * request for a credential loads.
 */
import { execFileSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { hasOneImporter, isSmall, readImports, sizesOf } from "../support/imports.ts";
import { awsSubject } from "./cold/aws.ts";
import { azureSubject } from "./cold/azure.ts";
import { gcpSubject } from "./cold/gcp.ts";
import { bundleFor, type Subject } from "./cold/subject.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const asked = process.argv.slice(2);

if (asked.includes("bundles")) await printBundles();
else await printFiles(asked.includes("--all"));

async function printFiles(all: boolean): Promise<void> {
  const files = await readImports();
  const rooms = Map.groupBy(files, ({ path }) => /^functions\/[^/]+|^[^/]+/.exec(path)?.[0] ?? path);
  console.log("| | files | lines | median | at most 30 lines | one importer | both | over 300 lines | in a cycle |");
  console.log("|---|---|---|---|---|---|---|---|---|");
  for (const [room, inRoom] of [...rooms, ["all", files] as const]) {
    console.log(`| ${[room, ...Object.values(sizesOf(inRoom))].join(" | ")} |`);
  }
  const lines = new Map(files.map((file) => [file.path, file.lines]));
  const alone = files.filter((file) => hasOneImporter(file) && (all || isSmall(file)));
  console.log(
    `\n| ${all ? "file" : "file of at most 30 lines"} | lines | its one importer | lines |\n|---|---|---|---|`,
  );
  for (const file of alone.sort((a, b) => a.lines - b.lines)) {
    const [importer = ""] = file.importers;
    console.log(`| ${file.path} | ${file.lines} | ${importer} | ${lines.get(importer)} |`);
  }
}

async function printBundles(): Promise<void> {
  execFileSync(process.execPath, ["scripts/build.ts"], { cwd: root, stdio: "inherit" });
  const cold = new Map([
    ["dist/aws", awsSubject],
    ["dist/azure", azureSubject],
    ["dist/gcp", gcpSubject],
  ]);
  console.log("| bundle | bytes of JavaScript | a cold credential loads |\n|---|---|---|");
  for (const folder of readdirSync(join(root, "dist")).map((name) => `dist/${name}`)) {
    const bytes = bytesIn(join(root, folder));
    const open = cold.get(folder);
    if (bytes > 0) console.log(`| ${folder} | ${bytes} | ${open ? await loadedCold(await open({})) : ""} |`);
  }
}

function bytesIn(folder: string): number {
  if (!statSync(folder).isDirectory()) return 0;
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const scripts = names.filter((name) => name.endsWith(".js"));
  return scripts.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}

async function loadedCold(subject: Subject): Promise<number> {
  const { loaded, minted, ...said } = await subject.run(join(bundleFor(subject).dir, "index.js"), subject.env);
  subject.stop();
  if (!minted) throw new Error(`No credential: ${JSON.stringify(said)}`);
  return bundleFor(subject).contentOf(loaded).bytes;
}
