/** Lets so many go at a time in each lane, and gives each a number that no other has meanwhile. */
export class Lanes<Name extends string> {
  readonly #free = new Map<string, number[]>();
  readonly #waiting = new Map<string, ((number: number) => void)[]>();

  constructor(widths: Readonly<Record<Name, number>>) {
    let next = 1;
    for (const [name, width] of Object.entries<number>(widths)) {
      this.#free.set(
        name,
        Array.from({ length: width }, () => next++),
      );
      this.#waiting.set(name, []);
    }
  }

  async run<T>(name: Name, work: (number: number) => Promise<T>): Promise<T> {
    const number =
      this.#free.get(name)?.pop() ?? (await new Promise<number>((go) => this.#waiting.get(name)?.push(go)));
    try {
      return await work(number);
    } finally {
      const next = this.#waiting.get(name)?.shift();
      if (next) next(number);
      else this.#free.get(name)?.push(number);
    }
  }
}
