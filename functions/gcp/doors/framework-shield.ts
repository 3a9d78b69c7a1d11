import { subscribe } from "node:diagnostics_channel";
import type { IncomingMessage } from "node:http";

/**
 * Keeps from the framework what it would answer by itself, with its own stack in the log; for every server of this process.
 *
 * It would read bodies up to 1 GiB, unpack what is compressed, before anybody knows who sent it, and answer what is not
 * JSON. Without a content type its parsers pass a body by, and the function reads it: JSON whatever its type, and never
 * more than its limit. And it would answer a target that is no path, or one that cannot be decoded: there is nothing at
 * any such path.
 */
export function shieldFromFramework(): void {
  // Node tells of each request here before its server does (nodejs.org/api/diagnostics_channel.html, "HTTP").
  subscribe("http.server.request.start", (message) => {
    const { request } = message as { readonly request: IncomingMessage };
    delete request.headers["content-type"];
    if (!leadsToPath(request.url ?? "")) request.url = "/-";
  });
}

function leadsToPath(target: string): boolean {
  try {
    decodeURIComponent(target.split("?", 1)[0] ?? "");
  } catch {
    return false;
  }
  return target.startsWith("/") || (/^https?:\/\//i.test(target) && URL.canParse(target));
}
