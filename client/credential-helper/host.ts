/**
 * The registry's host, as image references name it. Clients ask with `host`, `host:port`, `https://host/v2/` or
 * `host/repository`, each as it likes; 443 is what `https` means anyway.
 *
 * @returns undefined for what names no host
 */
export function hostOf(serverUrl: string): string | undefined {
  const [, scheme, authority = ""] = /^(?:([a-z]+):\/\/)?([^/?#]+)/i.exec(serverUrl.trim()) ?? [];
  const host = authority.toLowerCase();
  // Whatever stands before an @ is no part of the host: better no answer than one for another host.
  if (!/^(?:\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::\d{1,5})?$/.test(host)) return undefined;
  return scheme?.toLowerCase() === "http" ? host : host.replace(/:443$/, "");
}
