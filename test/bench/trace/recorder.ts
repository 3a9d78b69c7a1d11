import { AsyncLocalStorage } from "node:async_hooks";
import { getCallSites } from "node:util";
import { hook } from "./instrument.ts";

/** A function that was entered. */
export interface Entry {
  /** The URL of its file. */
  readonly file: string;
  readonly line: number;
  /** Empty where it has none. */
  readonly name: string;
}

/** How far an operation travels. */
export interface Distance {
  readonly files: readonly string[];
  /** How often the function that is entered next is in another file. */
  readonly hops: number;
  /** How many of the hops lead to a file that was entered before. */
  readonly returns: number;
}

const unrecorded = new AsyncLocalStorage<true>();
let entries: Entry[] | undefined;

Object.assign(globalThis, {
  [hook]() {
    if (entries === undefined || unrecorded.getStore()) return;
    const [, site] = getCallSites(2);
    if (site) entries.push({ file: site.scriptName, line: site.lineNumber, name: site.functionName });
  },
});

/** Runs an operation. @returns every function of an instrumented file that was entered until it ended, in order */
export async function record(operation: () => Promise<unknown>): Promise<readonly Entry[]> {
  const recorded: Entry[] = [];
  entries = recorded;
  try {
    await operation();
  } finally {
    entries = undefined;
  }
  return recorded;
}

/** Starts something whose functions are never recorded, whenever they run: an emulator that uses our code for itself. */
export function withoutRecording<T>(start: () => Promise<T>): Promise<T> {
  return unrecorded.run(true, start);
}

/** The first function, and each that is in another file than the one that was entered before it. */
export function hopsIn(recorded: readonly Entry[]): readonly Entry[] {
  return recorded.filter(({ file }, index) => file !== recorded[index - 1]?.file);
}

export function distanceOf(recorded: readonly Entry[]): Distance {
  const files = [...new Set(recorded.map(({ file }) => file))];
  const hops = Math.max(hopsIn(recorded).length - 1, 0);
  return { files, hops, returns: hops - Math.max(files.length - 1, 0) };
}
