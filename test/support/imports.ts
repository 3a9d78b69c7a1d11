import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cruise, type ICruiseResult, type IDependency } from "dependency-cruiser";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** What we ship, and the scripts that make it. */
export const shipped = ["core", "oci", "functions", "client", "scripts", "platforms.ts"] as const;

/** A TypeScript file of ours. */
export interface SourceFile {
  /** From the root, as `core/http.ts`. */
  readonly path: string;
  readonly lines: number;
  /** The shipped files that it imports, each once. */
  readonly imports: readonly Import[];
  /** Paths of the shipped files that import it. */
  readonly importers: readonly string[];
  /** Whether it is part of a cycle of imports. */
  readonly inCycle: boolean;
}

export interface Import {
  readonly path: string;
  /** Whether it is loaded together with the file: neither when it is asked for, nor for its types alone. */
  readonly atOnce: boolean;
}

/** Every shipped file, with who imports whom as the dependency rule sees it; sorted by path. */
export async function readImports(): Promise<readonly SourceFile[]> {
  const { options } = JSON.parse(await readFile(join(root, ".dependency-cruiser.json"), "utf8"));
  const { output } = await cruise([...shipped], { ...options, baseDir: root });
  const modules = (output as ICruiseResult).modules.filter(({ source }) => isOurs(source));
  const files = await Promise.all(
    modules.map(async ({ source, dependencies, dependents }) => ({
      path: source,
      lines: (await readFile(join(root, source), "utf8")).trimEnd().split("\n").length,
      imports: importsOf(dependencies),
      importers: dependents,
      inCycle: dependencies.some(({ circular }) => circular),
    })),
  );
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function importsOf(dependencies: readonly IDependency[]): readonly Import[] {
  const ours = Map.groupBy(
    dependencies.filter(({ resolved }) => isOurs(resolved)),
    ({ resolved }) => resolved,
  );
  return [...ours].map(([path, times]) => ({
    path,
    atOnce: times.some(({ dynamic, dependencyTypes }) => !dynamic && !dependencyTypes.includes("type-only")),
  }));
}

/** What is counted of files. Lines are few up to 30, and many from 301 on. */
export interface Sizes {
  readonly files: number;
  readonly lines: number;
  readonly median: number;
  readonly small: number;
  readonly oneImporter: number;
  readonly smallWithOneImporter: number;
  readonly large: number;
  readonly inCycles: number;
}

export const isSmall = ({ lines }: SourceFile): boolean => lines <= 30;
export const hasOneImporter = ({ importers }: SourceFile): boolean => importers.length === 1;

export function sizesOf(files: readonly SourceFile[]): Sizes {
  const lines = files.map((file) => file.lines).sort((a, b) => a - b);
  return {
    files: files.length,
    lines: lines.reduce((sum, each) => sum + each, 0),
    median: lines[Math.floor(lines.length / 2)] ?? 0,
    small: files.filter(isSmall).length,
    oneImporter: files.filter(hasOneImporter).length,
    smallWithOneImporter: files.filter((file) => isSmall(file) && hasOneImporter(file)).length,
    large: files.filter((file) => file.lines > 300).length,
    inCycles: files.filter((file) => file.inCycle).length,
  };
}

function isOurs(path: string): boolean {
  return path.endsWith(".ts") && shipped.some((each) => path === each || path.startsWith(`${each}/`));
}
