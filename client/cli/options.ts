import { InvalidArgumentError, type Option } from "commander";
import type * as v from "valibot";

/** How the schema of an operation becomes options of a command. */

/** The parts of a schema from which options are made. */
export interface Shape {
  readonly type: string;
  /** The fields of an object. */
  readonly entries?: Readonly<Record<string, Shape>>;
  /** What a list holds. */
  readonly item?: Shape;
  /** The texts of a choice, or the objects of a variant. */
  readonly options?: readonly string[] | readonly Shape[];
  readonly literal?: unknown;
}

/** Takes off what makes a schema optional. */
export function shapeOf(schema: v.GenericSchema | Shape): Shape {
  return "wrapped" in schema ? shapeOf(schema.wrapped as Shape) : (schema as Shape);
}

/** @returns what a list holds; undefined for a schema that is not a list */
export function itemOf(shape: Shape): Shape | undefined {
  return shape.item === undefined ? undefined : shapeOf(shape.item);
}

/** Lets an option be given several times. Its values become a list. */
export function repeated(option: Option): Option {
  const allowed = option.argChoices;
  return option.argParser<string[]>((value, values = []) => {
    if (allowed && !allowed.includes(value))
      throw new InvalidArgumentError(`Allowed choices are ${allowed.join(", ")}.`);
    return [...values, value];
  });
}

/** @param options the values that commander has parsed @returns the value of each field whose option was given */
export function givenValues(
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

/** Parses the value of an option that takes a whole number. @throws InvalidArgumentError */
export function wholeNumber(text: string): number {
  if (/^-?\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It must be a whole number.");
}

const unitSeconds: Readonly<Record<string, number>> = { h: 3_600, m: 60, s: 1 };

/**
 * Parses the value of an option that takes a duration: whole seconds, or hours, minutes and seconds with their units.
 *
 * @returns seconds
 * @throws InvalidArgumentError
 * @example duration("1h30m") // 5400
 */
export function duration(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  const parts = /^(?=\d)(?:\d{1,9}h)?(?:\d{1,9}m)?(?:\d{1,9}s)?$/.test(text) ? text.matchAll(/(\d+)([hms])/g) : [];
  let seconds = 0;
  for (const [, count, unit = ""] of parts) seconds += Number(count) * (unitSeconds[unit] ?? 0);
  if (seconds > 0) return seconds;
  throw new InvalidArgumentError("It must be a duration, such as 900 (seconds), 15m or 1h.");
}

/** Turns the name of a field into that of an option. @example kebab("dataDir") // "data-dir" */
export function kebab(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
