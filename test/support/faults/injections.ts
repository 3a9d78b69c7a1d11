import type { Row } from "./rows.ts";

export const times = ["once", "from then on"] as const;

/** What goes wrong, and what it means for the caller. */
export interface FaultKind<Fault> {
  readonly fault: Fault;
  /** Whether the same call may succeed later by itself. */
  readonly passing: boolean;
  /** The codes of which one must be told for a call that it hits; absent means any. */
  readonly codes?: (call: string) => readonly string[];
  /** Whether also once is noticed, since the request it hits is not simply repeated. */
  readonly noticed?: boolean;
  /** Of which calls alone it can happen; absent means all. */
  readonly at?: (call: string) => boolean;
}

/** One fault, at one call of one row. */
export interface Injection<Kind extends string = string> {
  readonly row: Row;
  /** As in the row. */
  readonly call: string;
  /** Which of these calls of the row it is, from 1. */
  readonly nth: number;
  readonly kind: Kind;
  readonly times: (typeof times)[number];
}

/** Every entry of the row × every kind of fault that can happen there × once and for good. */
export function injectionsOf<Kind extends string>(
  row: Row,
  kinds: Readonly<Record<Kind, FaultKind<unknown>>>,
): Injection<Kind>[] {
  const names = Object.keys(kinds) as Kind[];
  return row.calls.flatMap((call, index) => {
    const nth = row.calls.slice(0, index + 1).filter((other) => other === call).length;
    return names
      .filter((kind) => kinds[kind].at?.(call) ?? true)
      .flatMap((kind) => times.map((often) => ({ row, call, nth, kind, times: often })));
  });
}
