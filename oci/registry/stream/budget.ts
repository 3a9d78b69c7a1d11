const smallestBytes = 16 * 1024;

/**
 * Memory that all connections share for their buffers. One alone gets large buffers, which is what makes a single
 * transfer fast; the more there are, the smaller each one's, so that two hundred need no more than thirty do.
 */
export class Budget {
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  /** Reserves a buffer of at most `wanted` bytes, a power of two: never more than a sixteenth of what is left. */
  take(wanted: number): number {
    const share = Math.max(this.#left / 16, smallestBytes);
    const size = Math.max(smallestBytes, 2 ** Math.floor(Math.log2(Math.min(wanted, share))));
    this.#left -= size;
    return size;
  }

  give(size: number): void {
    this.#left += size;
  }
}
