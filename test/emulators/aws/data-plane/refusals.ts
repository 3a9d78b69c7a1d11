import type { ServerResponse } from "node:http";

/** A refusal of the data plane, in the form of the distribution specification. */
export class RegistryRefusal extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: string, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

export function sendRefusal(res: ServerResponse, { status, code, message, headers }: RegistryRefusal): void {
  if (res.headersSent || res.destroyed) {
    res.destroy();
    return;
  }
  const body = JSON.stringify({ errors: [{ code, message }] });
  const fixed = { "Docker-Distribution-Api-Version": "registry/2.0", "Content-Type": "application/json" };
  res.writeHead(status, { ...fixed, "Content-Length": Buffer.byteLength(body), ...headers });
  res.end(body);
  // A client that is still sending hears the answer only when what it sends is taken.
  res.req.resume();
}
