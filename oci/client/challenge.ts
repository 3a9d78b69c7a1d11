/** One challenge of a `Www-Authenticate` header. Its scheme and the names of its parameters are in lower case. */
export type Challenge = { readonly scheme: string; readonly params: Readonly<Record<string, string>> };

const tokenPattern = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y;
const token68Pattern = /[A-Za-z0-9\-._~+/]+=*(?=\s*(?:,|$))/y;

/**
 * Reads a `Www-Authenticate` header (RFC 9110, 11.6.1). One header may hold several challenges. A quoted value may
 * hold commas, equals signs and escaped quotes. Reading stops at the first malformed part; what came before it is returned.
 *
 * @example
 * parseChallenges('Bearer realm="https://auth.example/token",service="registry"')[0]?.params.service; // "registry"
 */
export function parseChallenges(header: string): Challenge[] {
  const challenges: { scheme: string; params: Record<string, string> }[] = [];
  let at = 0;
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(header)?.[0];
    if (found !== undefined) at += found.length;
    return found;
  };
  const skip = (pattern: RegExp): boolean => (match(pattern) ?? "") !== "";

  while (at < header.length) {
    skip(/[\s,]*/y);
    const name = match(tokenPattern);
    if (name === undefined) break;
    const current = challenges.at(-1);
    if (current !== undefined && /^\s*=(?!=*\s*(?:,|$))/.test(header.slice(at))) {
      skip(/\s*=\s*/y);
      const value = header[at] === '"' ? quoted() : match(tokenPattern);
      if (value === undefined) break;
      current.params[name.toLowerCase()] ??= value;
      continue;
    }
    challenges.push({ scheme: name.toLowerCase(), params: Object.create(null) });
    // `Negotiate <token68>` is skipped, because this client does not use it.
    const space = match(/[ \t]+/y);
    if (space !== undefined && !/^[^\s,=]+\s*=\s*[^=\s,]/.test(header.slice(at))) match(token68Pattern);
  }
  return challenges;

  function quoted(): string | undefined {
    const raw = match(/"(?:[^"\\]|\\.)*"/sy);
    return raw?.slice(1, -1).replace(/\\(.)/gs, "$1");
  }
}
