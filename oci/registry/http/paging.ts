import { OciError } from "./errors.ts";

/** The most that one answer lists, whatever was asked for. */
const maxPageSize = 10_000;

export interface Page {
  readonly limit: number;
  /** The last name of the page before; the empty string comes before every name. */
  readonly last: string;
}

/** `n` and `last` of a request that lists. Throws where `n` is not a whole number from 0 up. */
export function parsePage(query: URLSearchParams): Page {
  const n = query.get("n");
  if (n !== null && !/^\d{1,9}$/.test(n)) {
    throw new OciError(400, "PAGINATION_NUMBER_INVALID", "n must be a whole number from 0 up.");
  }
  return { limit: n === null ? maxPageSize : Math.min(Number(n), maxPageSize), last: query.get("last") ?? "" };
}

/** The `Link` header to the page after the one that ends with `last`, or none where nothing follows. */
export function linkToNext(path: string, query: Readonly<Record<string, string>>, more: boolean): { Link?: string } {
  return more ? { Link: `<${path}?${new URLSearchParams(query)}>; rel="next"` } : {};
}
