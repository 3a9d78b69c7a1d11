import { type Document, parse } from "./oracle.ts";

export interface Mutant {
  readonly name: string;
  readonly document: Document;
}

type Path = readonly (string | number)[];
type Node = unknown;

/**
 * Every document that differs from this one by one small mistake: anything left out that can be left out, and every literal
 * made wider.
 *
 * @param moreActions to be allowed in addition, one by one
 */
export function mutantsOf(document: Document, moreActions: readonly string[]): Mutant[] {
  return [...walk(document, [])].flatMap(([path, node]) => [
    ...shorter(document, path, node),
    ...wider(document, path, node, moreActions),
  ]);
}

function* walk(node: Node, path: Path): Generator<[Path, Node]> {
  yield [path, node];
  if (typeof node !== "object" || node === null) return;
  for (const [key, held] of Object.entries(node)) {
    yield* walk(held, [...path, Array.isArray(node) ? Number(key) : key]);
  }
}

function shorter(document: Document, path: Path, node: Node): Mutant[] {
  const [last, parent] = [path.at(-1), path.at(-2)];
  // A list keeps one item at least: the empty one is no policy, and that statement as a whole is left out elsewhere.
  const list = typeof last === "number" ? at(document, path.slice(0, -1)) : undefined;
  if (Array.isArray(list) && list.length > 1)
    return [mutant(document, `without ${name(path, node)}`, path, () => undefined)];
  if (parent === "Condition" || last === "Condition") {
    return [mutant(document, `without ${name(path, node)}`, path, () => undefined)];
  }
  return [];
}

function wider(document: Document, path: Path, node: Node, moreActions: readonly string[]): Mutant[] {
  if (path.at(-1) === "Effect") return [mutant(document, `${name(path)} Deny`, path, () => "Deny")];
  if (path.at(-1) === "Principal") return [mutant(document, `${name(path)} *`, path, () => "*")];
  if (path.at(-1) === "Action") {
    const actions = [node].flat();
    return moreActions
      .filter((more) => !actions.includes(more))
      .map((more) => mutant(document, `${name(path)} with ${more}`, path, () => [...actions, more]));
  }
  if (path.at(-1) === "Condition" && typeof node === "object" && node !== null) {
    const ifExists = Object.entries(node).map(([operator, keys]) => [`${operator}IfExists`, keys]);
    return [mutant(document, `${name(path)} if it exists`, path, () => Object.fromEntries(ifExists))];
  }
  if (typeof node !== "string" || !node.startsWith("arn:")) return [];
  const parts = node.split(":");
  return [3, 4, 5].flatMap((position) => {
    const part = parts[position] ?? "";
    // ECR's resources and IAM's principals take no wildcard in front of a `root` or a role; the whole is `*` then.
    if (part === "*" || part === "") return [];
    const isPrincipal = path.includes("Principal");
    const isLastOfSourceArn = position === 5 && path.includes("StringLike");
    if (isLastOfSourceArn || (isPrincipal && position !== 4)) return [];
    const widened = isPrincipal
      ? "*"
      : parts
          .with(position, "*")
          .slice(0, position === 5 ? 6 : undefined)
          .join(":");
    return widened === node ? [] : [mutant(document, `${name(path, node)} as ${widened}`, path, () => widened)];
  });
}

function mutant(document: Document, label: string, path: Path, change: (node: Node) => Node): Mutant {
  const copy = parse(JSON.stringify(document));
  const key = path.at(-1);
  const holder = at(copy, path.slice(0, -1));
  const next = change(at(copy, path));
  if (Array.isArray(holder) && typeof key === "number") {
    if (next === undefined) holder.splice(key, 1);
    else holder[key] = next;
  } else if (typeof holder === "object" && holder !== null && key !== undefined) {
    if (next === undefined) Reflect.deleteProperty(holder, key);
    else Reflect.set(holder, key, next);
  }
  return { name: label, document: copy };
}

function at(node: Node, path: Path): Node {
  return path.reduce<Node>((held, key) => (held as Readonly<Record<string | number, Node>>)[key], node);
}

function name(path: Path, node?: Node): string {
  const shown = typeof node === "string" ? ` ${node}` : "";
  return `${path.slice(1).join(".")}${shown}`;
}
