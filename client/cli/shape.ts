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
