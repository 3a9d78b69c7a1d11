import { isDeepStrictEqual } from "node:util";

/** A part of Stryker's JSON report. Lines and columns count from 1. */
export interface Report {
  readonly files: Readonly<Record<string, { readonly source: string; readonly mutants: readonly Mutant[] }>>;
}

interface Mutant {
  readonly status: string;
  readonly replacement?: string;
  readonly location: { readonly start: Place; readonly end: Place };
}

interface Place {
  readonly line: number;
  readonly column: number;
}

/** A change of the code that no test notices, by its line, since numbers of lines move. */
export interface Survivor {
  readonly file: string;
  /** The line in which the change begins. */
  readonly line: string;
  /** The same line after the change, from which the rest of what was changed is gone. */
  readonly becomes: string;
}

/** The changes of one line that may live, for one reason. */
export interface Known {
  readonly line: string;
  /** What the line may become. */
  readonly becomes: readonly string[];
  /** Why none of these changes anything. */
  readonly why: string;
}

/** The survivors that may live, by file. */
export type List = Readonly<Record<string, readonly Known[]>>;

/** What became of all mutants. */
export interface Verdict {
  readonly killed: number;
  /** Survived, or no test reaches them, and nobody has said why they may. */
  readonly unknown: readonly Survivor[];
  /** In the list, although there is no such survivor. */
  readonly gone: readonly Survivor[];
}

/** Where the survivors are, in the form that Stryker takes: `file:line:column-line:column`, columns from 0. */
export function placesOfSurvivors({ files }: Report): string[] {
  return Object.entries(files).flatMap(([file, { mutants }]) =>
    mutants
      .filter(isAlive)
      .map(({ location: { start, end } }) => `${file}:${start.line}:${start.column - 1}-${end.line}:${end.column - 1}`),
  );
}

/** What became of all mutants in two rounds, of which the second had only the survivors of the first. */
export function joined(first: Report, second: Report): Report {
  const files = Object.entries(first.files).map(([file, { source, mutants }]) => {
    const again = second.files[file]?.mutants ?? [];
    const inTheEnd = (mutant: Mutant) =>
      isAlive(mutant) ? again.find((each) => isSameMutant(each, mutant)) : undefined;
    return [file, { source, mutants: mutants.map((mutant) => inTheEnd(mutant) ?? mutant) }] as const;
  });
  return { files: Object.fromEntries(files) };
}

function isAlive({ status }: { readonly status: string }): boolean {
  return status === "Survived" || status === "NoCoverage";
}

function isSameMutant(one: Mutant, other: Mutant): boolean {
  return one.replacement === other.replacement && isDeepStrictEqual(one.location, other.location);
}

/** Holds a report against the list of those that may live. Entries of files that the report does not have are left out. */
export function judge({ files }: Report, list: List): Verdict {
  const mutants = Object.entries(files).flatMap(([file, { source, mutants }]) =>
    mutants.map((mutant) => ({ status: mutant.status, ...describe(file, source.split("\n"), mutant) })),
  );
  const counted = mutants.filter(({ status }) => status !== "Ignored");
  // What no test file can be loaded with is noticed (RuntimeError), and so is what never ends.
  const alive = counted.filter(isAlive);
  // What is only slower may end in time on another machine.
  const slow = counted.filter(({ status }) => status === "Timeout");
  const known = Object.entries(list)
    .filter(([file]) => file in files)
    .flatMap(([file, entries]) =>
      entries.flatMap(({ line, becomes }) => becomes.map((each): Survivor => ({ file, line, becomes: each }))),
    );
  return {
    killed: counted.length - alive.length,
    unknown: alive.filter((each) => !known.some((one) => isSame(one, each))).map(({ status: _, ...each }) => each),
    gone: known.filter((one) => ![...alive, ...slow].some((each) => isSame(one, each))),
  };
}

function describe(file: string, lines: readonly string[], { location: { start, end }, replacement = "" }: Mutant) {
  const [first = "", last = ""] = [lines[start.line - 1], lines[end.line - 1]];
  const becomes = `${first.slice(0, start.column - 1)}${replacement}${last.slice(end.column - 1)}`;
  return { file, line: first.trim(), becomes: becomes.replace(/\s+/g, " ").trim() };
}

function isSame(one: Survivor, other: Survivor): boolean {
  return one.file === other.file && one.line === other.line && one.becomes === other.becomes;
}
