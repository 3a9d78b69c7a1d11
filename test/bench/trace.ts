/**
 * How far one warm operation travels through our files: `npm run trace` prints a table of all that we trace, and
 * `npm run trace -- aws addCrossAccountAccess` one row of it. With `--path` it prints every hop as well, in order: `>`
 * leads to a file for the first time, `<` to one that was entered before.
 *
 * A hop is a function that is entered in another file than the one that was entered before it, a return a hop to a file
 * that was entered before. What counts is every function of `core`, `oci`, `functions`, `client` and `platforms.ts`;
 * emulators and libraries do not.
 */
import { instrumentWhenLoaded } from "./trace/instrument.ts";
import { distanceOf, type Entry, hopsIn, record } from "./trace/recorder.ts";

const root = new URL("../../", import.meta.url).href;
const ours = /^(?:(?:core|oci|functions|client)\/|platforms\.ts$)/;
instrumentWhenLoaded((url) => url.startsWith(root) && ours.test(url.slice(root.length)));

// Only now, so that what it imports is instrumented.
const { subjects } = await import("./trace/operations.ts");

const words = process.argv.slice(2).filter((word) => !word.startsWith("--"));
const [platform, operation] = words;
const printPath = process.argv.includes("--path");

const traced: { readonly name: string; readonly entries: readonly Entry[] }[] = [];
for (const [name, open] of Object.entries(subjects)) {
  if (platform !== undefined && platform !== name) continue;
  const subject = await open();
  for (const [each, stepsOf] of Object.entries(subject.operations)) {
    if (operation !== undefined && operation !== each) continue;
    for (const step of stepsOf("warm")) await step();
    const steps = [...stepsOf("traced")];
    const last = steps.pop();
    for (const step of steps) await step();
    if (last) traced.push({ name: `${name} ${each}`, entries: await record(last) });
  }
  await subject.stop();
}
if (traced.length === 0) {
  console.error(`There is no "${words.join(" ")}" to trace: npm run trace prints what there is.`);
  process.exitCode = 1;
} else {
  console.log("| operation | files (of them core) | hops | returns |\n|---|---|---|---|");
  for (const { name, entries } of traced) console.log(rowOf(name, entries));
  if (printPath) for (const { name, entries } of traced) console.log(`\n${name}\n${pathOf(entries)}`);
}

function rowOf(name: string, entries: readonly Entry[]): string {
  const { files, hops, returns } = distanceOf(entries);
  const core = files.filter((file) => file.startsWith(`${root}core/`)).length;
  return `| ${name} | ${files.length}${core > 0 ? ` (${core})` : ""} | ${hops} | ${returns} |`;
}

function pathOf(entries: readonly Entry[]): string {
  const seen = new Set<string>();
  const lines = hopsIn(entries).map(({ file, line, name }, index) => {
    const where = `${file.slice(root.length)}:${line}`;
    const mark = seen.has(file) ? "<" : ">";
    seen.add(file);
    return `${String(index).padStart(4)} ${mark} ${where.padEnd(56)} ${name}`.trimEnd();
  });
  return lines.join("\n");
}
