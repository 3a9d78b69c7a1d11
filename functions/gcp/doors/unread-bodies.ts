import { subscribe } from "node:diagnostics_channel";
import type { IncomingMessage } from "node:http";

/**
 * Keeps the framework from reading the bodies of requests, for every server of this process. It would read up to 1 GiB,
 * unpack what is compressed, before anybody knows who sent it, and answer what is not JSON by itself. Without a content
 * type its parsers pass a body by, and the function reads it: JSON whatever its type, and never more than its limit.
 */
export function leaveBodiesUnread(): void {
  // Node tells of each request here before its server does (nodejs.org/api/diagnostics_channel.html, "HTTP").
  subscribe("http.server.request.start", (message) => {
    const { request } = message as { readonly request: IncomingMessage };
    delete request.headers["content-type"];
  });
}
