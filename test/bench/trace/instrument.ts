import { registerHooks } from "node:module";
import { parseSync } from "@swc/core";

/** The function of the global scope that every instrumented function calls before anything else. */
export const hook = "__entered";

/**
 * Puts a call of the hook at the start of every function: of methods, constructors, accessors and arrows, too. Everything
 * stays on its line.
 *
 * @param source TypeScript or JavaScript
 */
export function instrument(source: string): string {
  const inserts: { readonly at: number; readonly text: string }[] = [];
  for (const { type, body } of nodesIn(parseSync(source, { syntax: "typescript", target: "es2024" }))) {
    if (!isNode(body)) continue;
    // The parser counts bytes, from 1.
    const [start, end] = [body.span.start - 1, body.span.end - 1];
    if (body.type === "FunctionBody") inserts.push({ at: start + 1, text: `${hook}();` });
    else if (type === "ArrowFunctionExpression") {
      inserts.push({ at: start, text: `(${hook}(), ` }, { at: end, text: ")" });
    }
  }
  inserts.sort((a, b) => a.at - b.at);
  const bytes = Buffer.from(source);
  const ends = [...inserts.map(({ at }) => at), bytes.length];
  const pieces = ends.map((end, index) => bytes.toString("utf8", ends[index - 1] ?? 0, end));
  return pieces.map((piece, index) => piece + (inserts[index]?.text ?? "")).join("");
}

/** Instruments every file that this process loads from now on, if it is ours. @param isOurs is asked with a URL */
export function instrumentWhenLoaded(isOurs: (url: string) => boolean): void {
  registerHooks({
    load(url, context, next) {
      const loaded = next(url, context);
      return isOurs(url) ? { ...loaded, source: instrument(String(loaded.source)) } : loaded;
    },
  });
}

interface Node {
  readonly type: string;
  readonly span: { readonly start: number; readonly end: number };
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && "span" in value;
}

/** Every object of the tree: the parser writes the function of a method without a type of its own. */
function* nodesIn(value: unknown): Generator<{ readonly type?: unknown; readonly body?: unknown }> {
  if (typeof value !== "object" || value === null) return;
  if (!Array.isArray(value)) yield value;
  for (const part of Object.values(value)) yield* nodesIn(part);
}
