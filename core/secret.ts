import { inspect } from "node:util";

const redacted = "[redacted]";

/** A string that prints as `[redacted]` wherever it may end up: templates, JSON, `console.log`, inspectors. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The value itself. Call it only where the secret leaves for the party that it is meant for. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return redacted;
  }

  toJSON(): string {
    return redacted;
  }

  [inspect.custom](): string {
    return redacted;
  }
}
