import { InvalidArgumentError, type Option } from "commander";

/** An option that may be given again and again: its values are a list. */
export function repeated(option: Option): Option {
  const allowed = option.argChoices;
  return option.argParser<string[]>((value, values = []) => {
    if (allowed && !allowed.includes(value))
      throw new InvalidArgumentError(`Allowed choices are ${allowed.join(", ")}.`);
    return [...values, value];
  });
}

/** @param options as commander has parsed them @returns the value of each field whose option was given */
export function given(
  fields: Iterable<readonly [field: string, option: Option]>,
  options: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const [field, option] of fields) {
    const value = options[option.attributeName()];
    if (value !== undefined) values[field] = value;
  }
  return values;
}

export function wholeNumber(text: string): number {
  if (/^-?\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It must be a whole number.");
}

export function kebab(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
