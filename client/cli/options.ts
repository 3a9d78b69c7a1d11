import { InvalidArgumentError, type Option } from "commander";
import type * as v from "valibot";

/** The parts of a schema from which options are made. */
export interface Shape {
  readonly type: string;
  /** Of an object: its fields. */
  readonly entries?: Readonly<Record<string, Shape>>;
  /** Of a list: what it holds. */
  readonly item?: Shape;
  /** Of a choice: its texts. Of a variant: its objects. */
  readonly options?: readonly string[] | readonly Shape[];
  readonly literal?: unknown;
}

/** A schema without what makes it optional. */
export function shapeOf(schema: v.GenericSchema | Shape): Shape {
  return "wrapped" in schema ? shapeOf(schema.wrapped as Shape) : (schema as Shape);
}

/** What a list holds; nothing for what is no list. */
export function itemOf(shape: Shape): Shape | undefined {
  return shape.item === undefined ? undefined : shapeOf(shape.item);
}

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
