/**
 * A resource, and what a token allows on it. A token's `access` claim is a list of these, as in the token specification
 * of the distribution project.
 */
export interface Access {
  readonly type: "repository" | "registry";
  readonly name: string;
  readonly actions: readonly string[];
}

/**
 * Reads one or more scopes, separated by spaces: `repository:team/app:pull,push registry:catalog:*`.
 *
 * A name may contain slashes and colons (`host:5000/app`), so it ends at the last colon. Scopes of another type, or
 * without a name or an action, are left out, because they grant nothing.
 *
 * @example
 * parseScope("repository:team/app:pull,push"); // [{ type: "repository", name: "team/app", actions: ["pull", "push"] }]
 */
export function parseScope(text: string): Access[] {
  const scopes: Access[] = [];
  for (const word of text.split(/\s/)) {
    const first = word.indexOf(":");
    const last = word.lastIndexOf(":");
    const type = word.slice(0, Math.max(first, 0));
    const name = word.slice(first + 1, last);
    const actions = [...new Set(word.slice(last + 1).split(","))].filter((action) => action !== "");
    if ((type !== "repository" && type !== "registry") || name === "" || actions.length === 0) continue;
    scopes.push({ type, name, actions });
  }
  return scopes;
}

/**
 * Writes scopes in the form that {@link parseScope} reads, separated by spaces.
 *
 * @example
 * formatScope([{ type: "repository", name: "team/app", actions: ["pull"] }]); // "repository:team/app:pull"
 */
export function formatScope(access: readonly Access[]): string {
  return access.map(({ type, name, actions }) => `${type}:${name}:${actions.join(",")}`).join(" ");
}

/**
 * Whether `held` allows one action on one resource. The held action `*` stands for every action. A held name that ends
 * with `/*` stands for every repository below it: no repository's name contains a `*`.
 *
 * @example
 * allows(parseScope("repository:team/*:pull"), "repository", "team/app", "pull"); // true
 */
export function allows(held: readonly Access[], type: Access["type"], name: string, action: string): boolean {
  return held.some(
    (entry) => covers(entry, type, name) && (entry.actions.includes(action) || entry.actions.includes("*")),
  );
}

/**
 * Returns the intersection of what is requested and what is held, which is never more than either. The requested action
 * `*` asks for everything that is held. Resources without a common action are left out.
 *
 * @example
 * narrow(parseScope("repository:team/app:pull,push"), parseScope("repository:team/*:pull")); // pull on team/app
 */
export function narrow(requested: readonly Access[], held: readonly Access[]): Access[] {
  const granted = new Map<string, { type: Access["type"]; name: string; actions: Set<string> }>();
  for (const { type, name, actions } of requested) {
    const asked = actions.includes("*") ? [...actions, ...held.flatMap((entry) => entry.actions)] : actions;
    for (const action of asked) {
      if (!allows(held, type, name, action)) continue;
      const key = `${type}:${name}`;
      const entry = granted.get(key) ?? { type, name, actions: new Set<string>() };
      entry.actions.add(action);
      granted.set(key, entry);
    }
  }
  return [...granted.values()].map(({ type, name, actions }) => ({ type, name, actions: [...actions] }));
}

function covers(entry: Access, type: Access["type"], name: string): boolean {
  if (entry.type !== type) return false;
  return entry.name === name || (entry.name.endsWith("/*") && name.startsWith(entry.name.slice(0, -1)));
}
