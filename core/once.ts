import { race } from "./call.ts";
import { ArtifactRegistryError } from "./errors.ts";

/** A value that is loaded when somebody first asks for it. */
export interface Once<T> {
  /** Everybody gets the same promise until its load fails or is forgotten. */
  (): Promise<T>;
  /** Forgets a load whose value turned out to be of no use. Does nothing where another one has taken its place. */
  forget(load: Promise<T>): void;
}

/**
 * Loads a value once, for all who ask, now and later. A load that fails is told to those who wait for it and forgotten,
 * so that the next one who asks tries again: a file may have been mended, a service may be back.
 *
 * @param load runs at the first call, and again after a failure; what it throws at once counts as a failure, too
 *
 * @example
 * const key = once(() => loadTokenKey(file));
 * const token = mintToken(await key(), claims);
 */
export function once<T>(load: () => T | Promise<T>): Once<T> {
  let kept: Promise<T> | undefined;
  const forget = (former: Promise<T>) => {
    if (kept === former) kept = undefined;
  };
  const get = () => {
    if (kept !== undefined) return kept;
    const loading = (async () => load())();
    kept = loading;
    // Forgotten before anybody who waits learns of it: whoever asks again at once gets a new load.
    loading.catch(() => forget(loading));
    return loading;
  };
  return Object.assign(get, { forget });
}

/** Runs work once for all who want the same at the same time; nothing is kept for those who come later. */
export type SingleFlight<T> = (key: string, signal: AbortSignal, work: () => Promise<T>) => Promise<T>;

/**
 * The first one who asks begins the work, at once and under its own signal; the others wait for the result. A failure is
 * told to all of them, unless whoever began has gone away: then one of the others begins anew.
 *
 * @param what names the work in the error of those who waited too long, as `The exchange with the registry`
 * @returns a function that throws what the work throws, and TIMEOUT for those who wait when their own signal fires
 *
 * @example
 * const flights = createSingleFlight<Token>("The exchange with the registry");
 * const token = await flights(registry, call.signal, () => exchange(call));
 */
export function createSingleFlight<T>(what: string): SingleFlight<T> {
  const flights = new Map<string, { readonly result: Promise<T>; readonly signal: AbortSignal }>();

  const join: SingleFlight<T> = async (key, signal, work) => {
    const begun = flights.get(key);
    if (begun === undefined) {
      const result = (async () => work())().finally(() => flights.delete(key));
      flights.set(key, { result, signal });
      return result;
    }
    try {
      return await race(begun.result, signal);
    } catch (error) {
      if (signal.aborted && !(error instanceof ArtifactRegistryError)) throw tooLate(what, error);
      if (begun.signal.aborted && !signal.aborted) return join(key, signal, work);
      throw error;
    }
  };
  return join;
}

function tooLate(what: string, cause: unknown): ArtifactRegistryError {
  return new ArtifactRegistryError("TIMEOUT", `${what} did not end in time.`, { retryable: true, cause });
}
