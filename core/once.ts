/** A value that is loaded when somebody first asks for it. */
export interface Once<T> {
  /** Everybody gets the same promise until its load fails or is forgotten. @throws what the load throws */
  (): Promise<T>;
  /** Forgets a load whose value turned out to be of no use. Does nothing if another load has taken its place. */
  forget(load: Promise<T>): void;
}

/**
 * Loads a value once, for everybody who asks, now or later. If the load fails, those who wait for it get the error, and the
 * next one who asks loads again: a file may have been mended, or a service may be back.
 *
 * @param load runs at the first call, and again after a failure. It may be synchronous, and may throw
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
    // This runs before those who wait get the error, so that whoever asks again at once gets a new load.
    loading.catch(() => forget(loading));
    return loading;
  };
  return Object.assign(get, { forget });
}
