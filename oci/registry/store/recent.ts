import type { Digest, RepositoryName } from "./names.ts";

/**
 * The blobs and manifests that requests of the last hours pushed or asked for. A client that was told that a blob is there may
 * push its manifest later, so nothing of this is garbage yet. Everything is remembered for at least one period, and for less than
 * two. Where that becomes too much to remember, everything counts as remembered, so that nothing is collected meanwhile.
 */
export class Recent {
  readonly #periodMs: number;
  readonly #elapsed: () => number;
  readonly #most: number;
  readonly #going = new Set<string>();
  #current = new Set<string>();
  #previous = new Set<string>();
  #since: number;

  /**
   * @param elapsed milliseconds of a clock that nobody sets
   * @param most how many blobs and manifests are remembered in one period
   */
  constructor(periodMs: number, elapsed: () => number, most = 200_000) {
    this.#most = most;
    this.#periodMs = periodMs;
    this.#elapsed = elapsed;
    this.#since = elapsed();
  }

  /** Notes that a request asks for this. Returns false while it is being removed: the request has to find nothing. */
  note(name: RepositoryName, digest: Digest): boolean {
    this.#turn();
    const key = `${name}\n${digest.text}`;
    if (this.#current.size < this.#most) this.#current.add(key);
    return !this.#going.has(key);
  }

  has(name: RepositoryName, digest: Digest): boolean {
    this.#turn();
    const key = `${name}\n${digest.text}`;
    return [this.#current, this.#previous].some((noted) => noted.size >= this.#most || noted.has(key));
  }

  /** Removes something, unless it is remembered. Returns whether it did. Nobody is told meanwhile that it is there. */
  async removeUnlessNoted(name: RepositoryName, digest: Digest, remove: () => Promise<boolean>): Promise<boolean> {
    if (this.has(name, digest)) return false;
    const key = `${name}\n${digest.text}`;
    this.#going.add(key);
    try {
      return await remove();
    } finally {
      this.#going.delete(key);
    }
  }

  #turn(): void {
    const passed = this.#elapsed() - this.#since;
    if (passed < this.#periodMs) return;
    this.#previous = passed < 2 * this.#periodMs ? this.#current : new Set();
    this.#current = new Set();
    this.#since += passed;
  }
}
