// How the host takes an HTTP request to its worker: over gRPC, or, where the app has switched HTTP streaming on, through the
// worker's own server. README.md beside this file has the source of each line.
const { randomUUID } = require("node:crypto");
const { request: send } = require("node:http");

const joined = (incoming) =>
  Object.fromEntries(Object.entries(incoming.headersDistinct).map(([name, all]) => [name, all.join(",")]));

/** The invocation that stands beside the request: what triggers bind, and no body where the request is forwarded. */
async function toInvocation(incoming, url, forwarded) {
  const metadata = {
    Headers: { json: JSON.stringify(joined(incoming)) },
    Query: { json: JSON.stringify(Object.fromEntries(new URL(url).searchParams)) },
  };
  if (forwarded) return { data: { http: {} }, metadata };
  const nullable = (values) => Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value }]));
  const http = {
    method: incoming.method,
    url,
    nullableHeaders: nullable(joined(incoming)),
    nullableParams: {},
    nullableQuery: nullable(Object.fromEntries(new URL(url).searchParams)),
  };
  // A body that comes in chunks has no length, and the host leaves it out.
  if (Number(incoming.headers["content-length"] ?? 0) > 0) {
    const chunks = [];
    for await (const chunk of incoming) chunks.push(chunk);
    http.body = { bytes: Buffer.concat(chunks) };
  }
  return { data: { http }, metadata };
}

const hopByHop = ["connection", "keep-alive", "te", "trailer", "upgrade", "proxy-connection", "transfer-encoding"];

/** Hands the request to the worker's own server, and its answer to the client, as each of them comes. */
function forward(incoming, outgoing, { httpUri, invocationId, url }) {
  const { protocol, host } = new URL(url);
  const kept = Object.entries(incoming.headers).filter(([name]) => !hopByHop.includes(name) && name !== "host");
  const headers = {
    ...Object.fromEntries(kept),
    "x-forwarded-for": incoming.socket.remoteAddress,
    "x-forwarded-host": host,
    "x-forwarded-proto": protocol.slice(0, -1),
    "x-ms-invocation-id": invocationId,
  };
  return new Promise((resolve) => {
    const target = new URL(incoming.url, httpUri);
    const onward = send(target, { method: incoming.method, headers }, (answer) => {
      const named = Object.entries(answer.headersDistinct).filter(([name]) => !hopByHop.includes(name));
      outgoing.writeHead(answer.statusCode, Object.fromEntries(named));
      answer.pipe(outgoing);
      answer.once("end", () => {
        // Who has answered wants no more of the request.
        incoming.unpipe(onward);
        incoming.resume();
        if (!onward.writableFinished) onward.destroy();
        resolve(undefined);
      });
      answer.once("error", resolve);
    });
    onward.on("error", resolve);
    incoming.pipe(onward);
  });
}

/**
 * Takes one request to a function, and its answer back. `run` invokes the function and rejects with what it threw.
 * Resolves with what went wrong, if anything did.
 */
async function overHttp({ httpUri, run }, name, incoming, outgoing, url) {
  const invocationId = randomUUID();
  const { data, metadata } = await toInvocation(incoming, url, httpUri !== undefined);
  const forwarding = httpUri && forward(incoming, outgoing, { httpUri, invocationId, url });
  try {
    const { returnValue } = await run(name, data, metadata, invocationId);
    if (forwarding) {
      const error = await forwarding;
      if (error && !outgoing.headersSent) outgoing.writeHead(502).end();
      return error;
    }
    const { statusCode, headers, body } = returnValue.http;
    outgoing.writeHead(Number(statusCode), headers).end(Buffer.from(body?.bytes ?? body?.string ?? ""));
    return undefined;
  } catch (error) {
    if (!outgoing.headersSent) outgoing.writeHead(500).end();
    return error;
  }
}

module.exports = { overHttp };
