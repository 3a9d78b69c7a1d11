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
