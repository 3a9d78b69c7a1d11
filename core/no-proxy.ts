import { BlockList, isIP } from "node:net";

/**
 * Tells whether `NO_PROXY` names a place, which is then asked without a proxy. Entries are read as Go's programs in a cluster read
 * them (golang.org/x/net/http/httpproxy), since one value serves all of them: a name stands for itself and for what lies below
 * it, `.example.com` and `*.example.com` for what lies below alone, a CIDR or a range for its addresses, `*` for everything. An entry may
 * end with a port. Node.js itself knows no CIDR, and takes a name for itself alone.
 *
 * @example
 * isDirect(new URL("https://10.96.0.1/"), "10.0.0.0/8,.svc"); // true
 */
export function isDirect(url: URL, noProxy: string): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, "").toLowerCase();
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  return noProxy
    .toLowerCase()
    .split(/[\s,]+/)
    .some(
      (entry) => entry === "*" || (isIP(host) === 0 ? coversName(entry, host, port) : coversAddress(entry, host, port)),
    );
}

function coversName(entry: string, host: string, port: string): boolean {
  const [, name = "", wanted = port] = /^([^:]+)(?::(\d+))?$/.exec(entry) ?? [];
  const below = name.replace(/^\*?\./, "");
  if (below === "" || wanted !== port) return false;
  return host.endsWith(`.${below}`) || (below === name && host === name);
}

function coversAddress(entry: string, host: string, port: string): boolean {
  // A port follows an IPv4 address, or an IPv6 address in brackets.
  const [, v6, v4 = entry, wanted = port] = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d+))?$/.exec(entry) ?? [];
  const [, first = "", sign, last = first] = /^([^/-]+)(?:([/-])(.+))?$/.exec(v6 ?? v4) ?? [];
  if (wanted !== port || isIP(first) === 0) return false;
  const list = new BlockList();
  if (sign === "/") {
    if (!/^\d{1,3}$/.test(last) || Number(last) > (isIP(first) === 4 ? 32 : 128)) return false;
    list.addSubnet(first, Number(last), familyOf(first));
  } else if (isIP(last) === isIP(first)) {
    list.addRange(first, last, familyOf(first));
  }
  return list.check(host, familyOf(host));
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIP(address) === 6 ? "ipv6" : "ipv4";
}
