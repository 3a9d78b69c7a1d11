import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
  STATUS_CODES,
} from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";

/** An answer that refuses a request, in the form that the clients of the server know. */
export interface Refusal {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface HttpServerOptions extends Omit<ServerOptions, "requireHostHeader"> {
  /** Makes the answer for a status of 400 or above, and a sentence that says why. */
  readonly refusal: (status: number, message: string) => Refusal;
  /** Is called with what the listener threw, or did wrong with its response. That is always a bug. */
  readonly failed?: (error: unknown) => void;
}

/** The milliseconds that headers may take. Node has no limit of its own if `requestTimeout` is 0. */
const headersTimeout = 60_000;

/** The answers to some errors of Node's parser. Every other error is a bad request. */
const parserErrors: Readonly<Record<string, readonly [status: number, message: string]>> = {
  HPE_HEADER_OVERFLOW: [431, "The headers are too large."],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, "The chunk extensions are too large."],
  ERR_HTTP_REQUEST_TIMEOUT: [408, "The request did not arrive in time."],
};

/**
 * Makes an HTTP server that no bytes can end. The listener sees well-formed requests only: `url` is a path, and `Host`
 * names a host. Everything else is refused here, in the server's own form of an error. What the listener throws becomes a
 * 500 in the same form.
 */
export function createHttpServer(
  { refusal, failed, ...options }: HttpServerOptions,
  listener: (request: IncomingMessage, response: ServerResponse) => unknown,
): Server {
  const server = createServer({ headersTimeout, ...options, requireHostHeader: false });
  const sockets = new Set<Socket>();
  const unanswered = new WeakMap<Duplex, Set<ServerResponse>>();

  const refuse = (response: ServerResponse, status: number, message: string) => {
    const { headers, body } = refusal(status, message);
    response.writeHead(status, { ...headers, "Content-Length": Buffer.byteLength(body) }).end(body);
  };
  /** Refuses a malformed request, and returns whether it was well-formed. It may be called again for the same request. */
  const admit = (request: IncomingMessage, response: ServerResponse): boolean => {
    const responses = unanswered.get(request.socket);
    if (responses?.has(response) === false) {
      responses.add(response);
      response.once("close", () => responses.delete(response));
      // Code that writes after the end has a bug, but the error must not end the process.
      response.on("error", (error) => failed?.(error));
    }
    const problem = readTarget(request);
    if (problem !== undefined) refuse(response, 400, problem);
    return problem === undefined;
  };
  /** Refuses bytes that never became a request, and so have no response object. */
  const refuseConnection = (socket: Duplex, status: number, message: string) => {
    const [first, ...more] = unanswered.get(socket) ?? [];
    // This must not break into an answer that has begun, nor overtake one that others wait behind.
    if (socket.writable && more.length === 0 && first?.headersSent !== true) {
      const { headers, body } = refusal(status, message);
      const all = { ...headers, "Content-Length": Buffer.byteLength(body), Connection: "close" };
      const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
      socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join("")}\r\n${body}`);
    }
    socket.destroy();
  };

  server.on("connection", (socket) => {
    const responses = new Set<ServerResponse>();
    unanswered.set(socket, responses);
    sockets.add(socket);
    // A response that waits behind another one does not get a `close` event when its connection ends: in Node 22 never, in
    // Node 24 not after CONNECT. Code that waits for that event, to close a file or to stop, would wait for ever.
    socket.once("close", () => {
      sockets.delete(socket);
      for (const response of responses) response.destroy();
      setImmediate(() => {
        for (const response of responses) response.emit("close");
      });
    });
  });
  // Node takes a connection that has not sent a byte yet for a busy one, and a stop would wait for it.
  const closeIdleConnections = server.closeIdleConnections.bind(server);
  server.closeIdleConnections = () => {
    closeIdleConnections();
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
  };
  server.on("request", async (request, response) => {
    try {
      if (admit(request, response)) await listener(request, response);
    } catch (error) {
      failed?.(error);
      if (response.headersSent) response.destroy();
      else refuse(response, 500, "The server failed to answer.");
    }
  });
  server.on("checkContinue", (request, response) => {
    if (!admit(request, response)) return;
    response.writeContinue();
    server.emit("request", request, response);
  });
  server.on("checkExpectation", (request, response) => {
    if (admit(request, response)) refuse(response, 417, "The server can meet no expectation but 100-continue.");
  });
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    refuseConnection(socket, ...(parserErrors[error.code ?? ""] ?? [400, "The request is not one that HTTP allows."]));
  });
  server.on("connect", (_request, socket) => {
    refuseConnection(socket, 405, "CONNECT is not allowed: this is no proxy.");
  });
  return server;
}

/**
 * Checks the version, the host and the target of a request (RFC 9112, sections 2.3 and 3.2). A target that is a URL is
 * split: its path becomes `url`, and its host replaces the header's.
 *
 * @returns what is wrong, or undefined
 */
function readTarget(request: IncomingMessage): string | undefined {
  const { rawHeaders, headers, httpVersionMajor, httpVersionMinor, url = "" } = request;
  if (httpVersionMajor !== 1) return "This server speaks HTTP/1.0 and HTTP/1.1 only.";
  const hosts = rawHeaders.filter((name, i) => i % 2 === 0 && name.toLowerCase() === "host").length;
  if (hosts > 1) return "There is more than one Host header.";
  if (hosts === 0 && httpVersionMinor > 0) return "There is no Host header.";
  if (headers.host && !isHost(headers.host)) return "The Host header does not name a host.";
  if (url.startsWith("/")) return undefined;
  const [, authority = "", path = ""] = /^https?:\/\/([^/?#]*)(.*)$/i.exec(url) ?? [];
  if (!isHost(authority)) return "The target is neither a path nor the URL of one.";
  headers.host = authority;
  request.url = path.startsWith("/") ? path : `/${path}`;
  return undefined;
}

function isHost(text: string): boolean {
  return /^[!-~]+$/.test(text) && !/[/?#@\\]/.test(text) && URL.canParse(`http://${text}`);
}
