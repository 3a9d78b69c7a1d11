type Mode = "shared" | "exclusive";

interface Entry {
  holders: number;
  exclusive: boolean;
  readonly queue: { mode: Mode; start: () => void }[];
}

/**
 * A readers-writer lock for each key; who comes first is served first. Work that only adds, such as storing a blob, shares
 * the lock. Work that removes, or that checks and then acts on the result, has it alone. An unused key takes no memory.
 */
export class KeyedLock {
  readonly #entries = new Map<string, Entry>();

  /** Runs work beside other shared work on this key. Resolves or rejects as the work does. */
  shared<T>(key: string, work: () => Promise<T>): Promise<T> {
    return this.#run(key, "shared", work);
  }

  /** Runs work on this key when no other work on it runs. Resolves or rejects as the work does. */
  exclusive<T>(key: string, work: () => Promise<T>): Promise<T> {
    return this.#run(key, "exclusive", work);
  }

  async #run<T>(key: string, mode: Mode, work: () => Promise<T>): Promise<T> {
    const entry = this.#entries.get(key) ?? { holders: 0, exclusive: false, queue: [] };
    this.#entries.set(key, entry);
    if (entry.queue.length > 0 || !admits(entry, mode)) {
      await new Promise<void>((resolve) => entry.queue.push({ mode, start: resolve }));
    } else {
      enter(entry, mode);
    }
    try {
      return await work();
    } finally {
      entry.holders -= 1;
      entry.exclusive = false;
      for (let next = entry.queue[0]; next !== undefined && admits(entry, next.mode); next = entry.queue[0]) {
        entry.queue.shift();
        enter(entry, next.mode);
        next.start();
      }
      if (entry.holders === 0) this.#entries.delete(key);
    }
  }
}

function admits(entry: Entry, mode: Mode): boolean {
  return entry.holders === 0 || (mode === "shared" && !entry.exclusive);
}

function enter(entry: Entry, mode: Mode): void {
  entry.holders += 1;
  entry.exclusive = mode === "exclusive";
}
