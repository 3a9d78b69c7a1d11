import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { readImports, shipped } from "../support/imports.ts";
import { type Diagram, parseDiagram } from "./diagrams.ts";
import { readPages, root } from "./pages.ts";

const run = promisify(execFile);

const pages = await readPages();
const page = pages.find(({ path }) => path === "docs/architecture.md");
const text = page?.text ?? "";
const diagrams = (page?.blocks ?? []).filter(({ language }) => language === "mermaid");

function diagramUnder(heading: string): Diagram {
  const line = text.split("\n").indexOf(`## ${heading}`);
  const found = diagrams.find((block) => block.line > line);
  if (line < 0 || found === undefined) throw new Error(`There is no diagram under "${heading}".`);
  return parseDiagram(found.text);
}

describe("what the page names is there", () => {
  it("paths from the root", () => {
    const named = [...text.matchAll(/`((?:[a-z-]+\/)+[\w.-]*|platforms\.ts)`/g)].map(([, path = ""]) => path);
    const tops = new RegExp(`^(?:${[...shipped, "test", "infra", "docs"].join("|")})\\b`);
    const paths = named.filter((path) => tops.test(path));
    expect(paths.length).toBeGreaterThan(20);
    expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  it("what every cloud's folder has", () => {
    const named = [...text.matchAll(/`([\w/-]+\.ts)` of the platform/g)].map(([, file = ""]) => file);
    expect(named.length).toBeGreaterThan(2);
    for (const cloud of ["aws", "gcp", "azure"]) {
      expect(named.filter((file) => !existsSync(join(root, "functions", cloud, file)))).toEqual([]);
    }
  });
});

it("the rooms' arrows are the imports between them", async () => {
  const diagram = diagramUnder("Rooms");
  if (diagram.kind !== "flowchart") throw new Error("The rooms are a flowchart.");
  const imports = (await readImports()).flatMap(({ path, imports }) =>
    imports.map((imported) => ({ from: roomOf(path), to: roomOf(imported.path), atOnce: imported.atOnce })),
  );
  const between = Map.groupBy(
    imports.filter(({ from, to }) => from !== to),
    ({ from, to }) => `${from} ${to}`,
  );
  const real = [...between].map(([ends, all]) => `${ends}${all.some(({ atOnce }) => atOnce) ? "" : ", dotted"}`);
  const drawn = diagram.arrows.map(({ from, to, dotted }) => `${from} ${to}${dotted ? ", dotted" : ""}`);
  expect(drawn.sort()).toEqual(real.sort());
}, 300_000);

/** As the picture draws them: a platform, a part of `oci`, or what is at the top. */
function roomOf(path: string): string {
  return /^(?:functions|oci)\/[^/]+|^[^/]+/.exec(path)?.[0] ?? path;
}

describe("what is traced", () => {
  let printed = "";
  beforeAll(async () => {
    const trace = join(root, "test/bench/trace.ts");
    printed = (await run(process.execPath, [trace, "--path"], { maxBuffer: 2 ** 26 })).stdout;
  }, 600_000);

  it("travels as far as the page says", () => {
    const [said, traced] = [rowsOf(text), rowsOf(printed)];
    expect([...said.keys()]).toEqual([...traced.keys()]);
    for (const [operation, now] of traced) {
      const row = said.get(operation) ?? { files: 0, hops: 0 };
      const hint = `${operation} now: ${now.files} files, ${now.hops} hops. If that is right, copy what npm run trace prints.`;
      expect(now.files, hint).toBeLessThanOrEqual(row.files);
      expect(now.files, hint).toBeGreaterThanOrEqual(row.files * 0.9);
      // Answers of two regions may come in either order, which moves a hop or two.
      expect(now.hops, hint).toBeLessThanOrEqual(row.hops * 1.02);
      expect(now.hops, hint).toBeGreaterThanOrEqual(row.hops * 0.9);
    }
  });

  it.each([
    ["From a Lambda event to a credential", "aws generateCredentials"],
    ["A grant on AWS", "aws addCrossAccountAccess"],
  ])("%s: it enters the rooms in that order, and no other room", (heading, operation) => {
    const diagram = diagramUnder(heading);
    if (diagram.kind !== "sequence") throw new Error("A way is a sequence.");
    const entered = pathOf(printed, operation).map(folderOf);
    const rooms = diagram.participants.filter((each) => existsSync(join(root, each)));
    expect([...new Set(entered)].sort()).toEqual(rooms.sort());
    let at = -1;
    for (const { to, answer, text: message } of diagram.messages) {
      if (answer || !rooms.includes(to)) continue;
      const next = entered.findIndex((room, index) => index > at && room === to);
      expect(next, `nothing of ${to} is entered after that: "${message}"`).toBeGreaterThan(at);
      at = next;
    }
  });
});

/** What a table says of each operation. */
function rowsOf(table: string): ReadonlyMap<string, { readonly files: number; readonly hops: number }> {
  const rows = table.matchAll(/^\| ([a-z]+ [\w ]+) \| (\d+)(?: \(\d+\))? \| (\d+) \| \d+ \|$/gm);
  return new Map(
    [...rows].map(([, operation = "", files, hops]) => [operation, { files: Number(files), hops: Number(hops) }]),
  );
}

/** The files that an operation enters, one for each hop. */
function pathOf(traces: string, operation: string): readonly string[] {
  const [, trace = ""] = traces.split(`\n${operation}\n`);
  const [hops = ""] = trace.split("\n\n");
  return [...hops.matchAll(/^ *\d+ [<>] ([\w./-]+):\d+/gm)].map(([, file = ""]) => file);
}

/** `core` is one room; elsewhere it is the folder. */
function folderOf(path: string): string {
  return path.startsWith("core/") ? "core" : path.slice(0, path.lastIndexOf("/"));
}
