import { digest } from "../judge/content.ts";
import type { Mutation, Passing, Returning } from "./proxy.ts";

type Change = Pick<Mutation, "request" | "answer">;
type Instead = Partial<Pick<Returning, "status" | "headers" | "body">>;

export const BLOB = /\/blobs\/sha/;
export const MANIFEST = /\/manifests\/[^/]+$/;
export const UPLOAD = /\/blobs\/uploads\//;
export const REFERRERS = /\/referrers\//;
export const TAGS = /\/tags\/list/;

/** A digest of nothing that anybody pushes. */
export const OTHER = digest(Buffer.from("something else"));

/** What is broken, the groups that have to notice, and how it is done. */
export function broken(name: string, caughtBy: string, change: Change): Mutation {
  return { name, caughtBy, ...change };
}

/** Changes the answers to these requests; `methods` are separated by bars. */
export function answers(methods: string, path: RegExp, change: (returning: Returning) => void): Change {
  return {
    answer(returning) {
      const { method, path: asked } = returning.asked;
      if (methods.split("|").includes(method) && path.test(asked)) change(returning);
    },
  };
}

/** Changes these requests, or answers them in the registry's place. */
export function requests(methods: string, path: RegExp, change: (passing: Passing) => Instead | undefined): Change {
  return {
    request: (passing) =>
      methods.split("|").includes(passing.method) && path.test(passing.path) ? change(passing) : undefined,
  };
}

/** Another status than the registry's. */
export function says(from: number, to: number) {
  return (returning: Returning): void => {
    if (returning.status === from) returning.status = to;
  };
}

/** Answers without asking the registry. */
export function always(status: number) {
  return (): Instead => ({ status });
}

export function drops(name: string) {
  return ({ headers }: { headers: Returning["headers"] }): undefined => {
    delete headers[name];
  };
}

/** Another value for a header, made from the one that is there. */
export function alters(name: string, change: (value: string) => string) {
  return ({ headers }: Returning): void => {
    if (headers[name] !== undefined) headers[name] = change(String(headers[name]));
  };
}

export function sets(name: string, value: string) {
  return ({ headers }: Returning): void => {
    headers[name] = value;
  };
}

/** Another path and query than the client's. */
export function leads(from: RegExp, to: string) {
  return (passing: Passing): undefined => {
    passing.path = passing.path.replace(from, to);
  };
}

/** Another JSON body than the registry's. */
export function rewrites(change: (body: Record<string, unknown>) => void) {
  return (returning: Returning): void => {
    if (returning.status >= 300 || returning.body.length === 0) return;
    const value = JSON.parse(returning.body.toString()) as Record<string, unknown>;
    change(value);
    returning.body = Buffer.from(JSON.stringify(value));
  };
}

export function flipsAByte(returning: Returning): void {
  if (returning.status > 206 || returning.body.length === 0) return;
  const at = Math.floor(returning.body.length / 2);
  returning.body = Buffer.from(returning.body);
  returning.body[at] = (returning.body[at] ?? 0) ^ 1;
}
