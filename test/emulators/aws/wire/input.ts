import { AwsError } from "./errors.ts";

/** A request's parameters, whichever protocol brought them. Each reader throws the service's error of validation. */
export class Input {
  readonly values: Readonly<Record<string, unknown>>;
  readonly #code: string;

  constructor(values: Readonly<Record<string, unknown>>, code: string) {
    this.values = values;
    this.#code = code;
  }

  has(name: string): boolean {
    return this.values[name] !== undefined && this.values[name] !== null;
  }

  /** @throws the service's validation error where it is absent or no text */
  text(name: string): string {
    const value = this.values[name];
    if (typeof value === "string") return value;
    throw this.invalid(
      `1 validation error detected: Value null at '${name}' failed to satisfy constraint: Member must not be null`,
    );
  }

  optionalText(name: string): string | undefined {
    return this.has(name) ? this.text(name) : undefined;
  }

  optionalNumber(name: string): number | undefined {
    if (!this.has(name)) return undefined;
    const value = Number(this.values[name]);
    if (Number.isFinite(value)) return value;
    throw this.invalid(`Value at '${name}' is not a number`);
  }

  flag(name: string): boolean {
    return this.values[name] === true || this.values[name] === "true";
  }

  list(name: string): readonly unknown[] {
    const value = this.values[name];
    if (value === undefined || value === null || value === "") return [];
    if (Array.isArray(value)) return value;
    throw this.invalid(`Value at '${name}' is not a list`);
  }

  texts(name: string): readonly string[] {
    return this.list(name).map((value) => {
      if (typeof value === "string") return value;
      throw this.invalid(`Value at '${name}' is not a list of texts`);
    });
  }

  records(name: string): readonly Input[] {
    return this.list(name).map((value) => this.#nested(name, value));
  }

  optionalRecord(name: string): Input | undefined {
    return this.has(name) ? this.#nested(name, this.values[name]) : undefined;
  }

  invalid(message: string): AwsError {
    return new AwsError(this.#code, message);
  }

  #nested(name: string, value: unknown): Input {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw this.invalid(`Value at '${name}' is not a structure`);
    }
    return new Input(value as Record<string, unknown>, this.#code);
  }
}
