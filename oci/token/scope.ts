/** One resource and what may be done with it; the shape of a token's `access` claim. */
export interface Access {
  readonly type: "repository" | "registry";
  readonly name: string;
  readonly actions: readonly string[];
}

/**
 * Reads one or more scopes, separated by spaces: `repository:team/app:pull,push registry:catalog:*`.
 *
 * The name may hold slashes and colons (`host:5000/app`), so it ends at the last colon, never at the first one after
 * the type. Scopes of another type, or without a name or an action, are left out: asking for them grants nothing.
 */
export function parseScope(text: string): Access[] {
  const found: Access[] = [];
  for (const word of text.split(/\s+/)) {
    const first = word.indexOf(":");
    const last = word.lastIndexOf(":");
    const type = word.slice(0, Math.max(first, 0));
    const name = word.slice(first + 1, last);
    const actions = [...new Set(word.slice(last + 1).split(","))].filter((action) => action !== "");
    if (last <= first || (type !== "repository" && type !== "registry") || name === "" || actions.length === 0)
      continue;
    found.push({ type, name, actions });
  }
  return found;
}

/** Writes scopes in the form that {@link parseScope} reads. */
export function formatScope(access: readonly Access[]): string {
  return access.map(({ type, name, actions }) => `${type}:${name}:${actions.join(",")}`).join(" ");
}

/**
 * Whether `held` allows this one action on this one resource. The action `*` stands for every action, and a held name
 * that ends with `/*` for every repository below: names of repositories have no `*`.
 */
export function allows(held: readonly Access[], type: Access["type"], name: string, action: string): boolean {
  return held.some(
    (entry) =>
      covers(entry, type, name) && (entry.actions.includes(action) || (action !== "*" && entry.actions.includes("*"))),
  );
}

/**
 * The intersection of what is asked for and what is held: never more than either. A `*` among the requested actions
 * asks for everything that is held. Resources without a common action are left out.
 */
export function narrow(requested: readonly Access[], held: readonly Access[]): Access[] {
  const granted = new Map<string, { type: Access["type"]; name: string; actions: Set<string> }>();
  for (const { type, name, actions } of requested) {
    const wanted = actions.includes("*") ? [...actions, ...heldActions(held, type, name)] : actions;
    for (const action of wanted) {
      if (!allows(held, type, name, action)) continue;
      const key = `${type}:${name}`;
      const entry = granted.get(key) ?? { type, name, actions: new Set<string>() };
      entry.actions.add(action);
      granted.set(key, entry);
    }
  }
  return [...granted.values()].map(({ type, name, actions }) => ({ type, name, actions: [...actions] }));
}

function heldActions(held: readonly Access[], type: Access["type"], name: string): string[] {
  return held.filter((entry) => covers(entry, type, name)).flatMap((entry) => [...entry.actions]);
}

function covers(entry: Access, type: Access["type"], name: string): boolean {
  if (entry.type !== type) return false;
  return entry.name === name || (entry.name.endsWith("/*") && name.startsWith(entry.name.slice(0, -1)));
}
