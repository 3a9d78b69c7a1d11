export interface ByteRange {
  readonly start: number;
  /** Inclusive, as in the header. */
  readonly end: number;
}

/**
 * The part of a body of `size` bytes that a `Range` header asks for (RFC 9110, 14.2). Undefined where the whole body is
 * the answer: no header, another unit, several ranges, or nonsense. "unsatisfiable" where the answer is 416.
 */
export function parseRange(header: string | undefined, size: number): ByteRange | "unsatisfiable" | undefined {
  const [, first, last] = /^bytes=\s*(\d*)-(\d*)\s*$/.exec(header ?? "") ?? [];
  if (first === undefined || last === undefined || (first === "" && last === "")) return undefined;
  if (first === "") {
    const suffix = Number(last);
    return suffix === 0 || size === 0 ? "unsatisfiable" : { start: Math.max(0, size - suffix), end: size - 1 };
  }
  const start = Number(first);
  // RFC 9110 lets a server ignore a range that runs backwards; the conformance suite wants to be told.
  if (start >= size || (last !== "" && Number(last) < start)) return "unsatisfiable";
  return { start, end: last === "" ? size - 1 : Math.min(Number(last), size - 1) };
}

/** The ends of an upload chunk's `Content-Range`, which here is `<start>-<end>`; a leading `bytes ` does no harm. */
export function parseContentRange(header: string): ByteRange | undefined {
  const [, start, end] = /^(?:bytes[ =])?\s*(\d+)-(\d+)(?:\/(?:\d+|\*))?$/.exec(header.trim()) ?? [];
  if (start === undefined || end === undefined || Number(end) < Number(start)) return undefined;
  return { start: Number(start), end: Number(end) };
}
