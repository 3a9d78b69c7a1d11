/** Lets many in together, or one alone. */
export class Gate {
  #inside = 0;
  #alone = false;
  #waiting: (() => void)[] = [];

  async together<T>(work: () => Promise<T>): Promise<T> {
    while (this.#alone) await this.#change();
    this.#inside++;
    try {
      return await work();
    } finally {
      this.#inside--;
      this.#wake();
    }
  }

  async alone<T>(work: () => Promise<T>): Promise<T> {
    while (this.#alone || this.#inside > 0) await this.#change();
    this.#alone = true;
    try {
      return await work();
    } finally {
      this.#alone = false;
      this.#wake();
    }
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
