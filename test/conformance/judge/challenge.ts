export type Challenge = { readonly scheme: string; readonly parameters: Readonly<Record<string, string>> };

/** Reads one `Www-Authenticate` challenge; undefined where it is not `scheme name="value",…` with every value quoted. */
export function parseChallenge(header: string | undefined): Challenge | undefined {
  const [, scheme, rest] = /^([A-Za-z]+) (.*)$/.exec(header ?? "") ?? [];
  if (scheme === undefined || rest === undefined) return undefined;
  const parameters: Record<string, string> = {};
  let at = 0;
  for (const match of rest.matchAll(/(?:^|\s*,\s*)([A-Za-z_]+)="((?:[^"\\]|\\.)*)"/g)) {
    const [whole, name, value] = match;
    if (match.index !== at || name === undefined || value === undefined) return undefined;
    parameters[name.toLowerCase()] = value.replace(/\\(.)/g, "$1");
    at += whole.length;
  }
  return at === rest.length ? { scheme: scheme.toLowerCase(), parameters } : undefined;
}

/** The token endpoint's address for a challenge: `service`, and each scope as a parameter of its own. */
export function tokenUrl({ parameters: { realm = "", service, scope } }: Challenge): string {
  const query = new URLSearchParams();
  if (service !== undefined) query.set("service", service);
  for (const one of scope?.split(" ") ?? []) query.append("scope", one);
  return `${realm}?${query}`;
}

export function basic({ username, password }: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}
