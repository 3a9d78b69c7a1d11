import { race } from "./call.ts";
import { ArtifactRegistryError } from "./errors.ts";

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
