/** An HTTP server of Node that refuses what is malformed, in the words of whoever uses it. */
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
import { type SecureContext, TLSSocket } from "node:tls";
import { BodyMemory, type Connection, Connections, expectsAnswer } from "./bounds.ts";

/** The headers and the body of an answer that refuses a request, in the form that the server's clients know. */
export interface Refusal {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Node's options for a server, and some of ours. */
export interface HttpServerOptions extends Omit<ServerOptions, "requireHostHeader"> {
  /** The most connections at once; 1,000 by default. */
  readonly connections?: number;
  /**
   * For a listener that holds whole bodies in memory: how many bytes it reads of each, and how many may be on their way at
   * once. Without it bodies are not counted.
   */
  readonly bodies?: { readonly each: number; readonly bytes: number };
  /** Answers the certificate and the key for a new connection. Without it the server speaks plain HTTP. */
  readonly tls?: () => SecureContext;
  /** Makes the answer for a status of 400 or above, and a sentence that says why. */
  readonly refusal: (status: number, message: string) => Refusal;
  /** Is called with what the listener threw, and with the errors of its response. They are always bugs. */
  readonly failed?: (error: unknown) => void;
}

/** The milliseconds that headers may take. Node has no limit of its own if `requestTimeout` is 0. */
const headersTimeout = 60_000;

/** The milliseconds for which the client may be silent while TLS is being agreed on. */
const handshakeTimeout = 10_000;

/** Many short headers take far more memory than their bytes, so Node's limit of 16 KiB for all of them is not enough. */
const maxHeaders = 256;

/** Of each body, what is too little to be counted. No request of this suite is larger, except by intent. */
const freeBodyBytes = 4 * 1024;

/** The answers to some errors of Node's parser. Every other error is answered with 400. */
const parserErrors: Readonly<Record<string, readonly [status: number, message: string]>> = {
  HPE_HEADER_OVERFLOW: [431, "The headers are too large."],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, "The chunk extensions are too large."],
  ERR_HTTP_REQUEST_TIMEOUT: [408, "The request did not arrive in time."],
};

/**
 * Makes an HTTP server that no request can bring down. It does not listen yet: `listen` in `listening.ts` does that. The
 * listener sees well-formed requests only: `url` is a path, and `Host` names a host. The server refuses everything else
 * itself. If the listener throws, the answer is a 500. `refusal` gives all these answers their form.
 *
 * What unfinished requests may hold is bounded. When connections or bodies become too many, the client that has waited
 * longest for its request to be complete is answered with 503, and its connection ends (`bounds.ts`).
 *
 * @param listener answers one request; the server waits for its promise, if it returns one
 *
 * @example
 * const refusal = (_status: number, message: string) => ({ headers: { "Content-Type": "text/plain" }, body: message });
 * const server = createHttpServer({ refusal }, (_request, response) => response.end("hello"));
 * await listen(server, { host: "127.0.0.1", port: 8080 });
 */
export function createHttpServer(
  { refusal, failed, connections: most = 1_000, bodies, tls, ...options }: HttpServerOptions,
  listener: (request: IncomingMessage, response: ServerResponse) => unknown,
): Server {
  const server = createServer({ headersTimeout, ...options, requireHostHeader: false });
  server.maxHeadersCount = maxHeaders;
  const connections = new Connections(most);
  const connectionOf = new WeakMap<Duplex, Connection>();
  const bodyMemory = bodies && new BodyMemory({ bytes: bodies.bytes, freeEach: freeBodyBytes });

  const refuse = (response: ServerResponse, status: number, message: string) => {
    const { headers, body } = refusal(status, message);
    response.writeHead(status, { ...headers, "Content-Length": Buffer.byteLength(body) }).end(body);
  };
  /** Refuses a malformed request, and returns whether it was well-formed. It may be called again for the same request. */
  const admit = (request: IncomingMessage, response: ServerResponse): boolean => {
    const tooMany = request.rawHeaders.length >= 2 * maxHeaders;
    const problem = tooMany ? `There are ${maxHeaders} headers, or more.` : readTarget(request);
    const connection = connectionOf.get(request.socket);
    if (connection?.responses.has(response) === false) {
      connections.asked(connection, request, response);
      // Code that writes after the end has a bug, but the error must not end the process.
      response.on("error", (error) => failed?.(error));
    }
    if (problem !== undefined) refuse(response, tooMany ? 431 : 400, problem);
    return problem === undefined;
  };
  /** Refuses bytes that never became a request, and so have no response object. */
  const refuseConnection = (socket: Duplex, status: number, message: string) => {
    const [first, ...more] = connectionOf.get(socket)?.responses ?? [];
    // An answer that has begun must not be broken into. Where several requests wait, this would be taken for the answer
    // to the first of them. In both cases the connection ends without a word.
    if (socket.writable && more.length === 0 && first?.headersSent !== true) {
      const { headers, body } = refusal(status, message);
      const all = { ...headers, "Content-Length": Buffer.byteLength(body), Connection: "close" };
      const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
      socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join("")}\r\n${body}`);
    }
    socket.destroy();
  };

  /** Ends a connection, so that another one has its place or its memory. */
  const shed = (connection: Connection) => {
    connections.remove(connection);
    if (!expectsAnswer(connection)) connection.socket.destroy();
    else refuseConnection(connection.socket, 503, "The server has too many requests that are not complete.");
  };
  /** Counts the bytes of a body until they have been read, or the request has been answered without them. */
  const hold = (bytes: number, request: IncomingMessage, response: ServerResponse) => {
    const connection = connectionOf.get(request.socket);
    const body = connection && bodyMemory?.hold(() => shed(connection));
    if (body === undefined) return;
    request.once("end", body.end);
    response.once("close", body.end);
    body.grow(bytes);
  };

  const accept = (socket: Socket) => {
    const connection = connections.add(socket);
    connectionOf.set(socket, connection);
    const { responses } = connection;
    // A response that waits behind another one does not get a `close` event when its connection ends: in Node 22 never, in
    // Node 24 not after CONNECT. Code that waits for that event, to close a file or to stop, would wait for ever.
    socket.once("close", () => {
      connections.remove(connection);
      for (const response of responses) response.destroy();
      setImmediate(() => {
        for (const response of responses) response.emit("close");
      });
    });
    const surplus = connections.surplus();
    if (surplus) shed(surplus);
  };
  if (tls === undefined) server.on("connection", accept);
  else secureConnections(server, tls, accept);
  // Node counts a connection that has not sent a byte yet as busy, and a stop would wait for it.
  const closeIdleConnections = server.closeIdleConnections.bind(server);
  server.closeIdleConnections = () => {
    closeIdleConnections();
    for (const { socket } of connections.silent()) socket.destroy();
  };
  server.on("request", async (request, response) => {
    try {
      const bytes = bodies ? Math.min(bodyLength(request), bodies.each) : 0;
      if (!admit(request, response)) return;
      if (bytes > freeBodyBytes) hold(bytes, request, response);
      // There may have been no memory for it.
      if (!request.socket.destroyed) await listener(request, response);
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
    if (admit(request, response)) refuse(response, 417, "The server meets no expectation other than 100-continue.");
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
 * Lets a server speak HTTP over TLS. Node's own HTTPS server shows a connection only when TLS has been agreed on; until then
 * nothing could count it, or end it for another one.
 *
 * @param accept is called with each connection before its handshake
 */
function secureConnections(server: Server, tls: () => SecureContext, accept: (socket: Socket) => void): void {
  const listeners = server.listeners("connection");
  server.removeAllListeners("connection");
  server.on("connection", (plain: Socket) => {
    const socket = new TLSSocket(plain, { isServer: true, secureContext: tls(), ALPNProtocols: ["http/1.1"] });
    const giveUp = () => socket.destroy();
    socket.setTimeout(handshakeTimeout, giveUp);
    // A client that does not speak TLS, or does not trust the certificate. After the handshake Node's server listens, too.
    socket.on("error", giveUp);
    socket.once("secure", () => {
      socket.setTimeout(0).off("timeout", giveUp);
      for (const listener of listeners) listener.call(server, socket);
    });
    accept(socket);
  });
}

/** Returns how many bytes a request's body may have: without end, where the request does not say. */
function bodyLength({ headers }: IncomingMessage): number {
  return headers["transfer-encoding"] === undefined ? Number(headers["content-length"] ?? 0) : Number.POSITIVE_INFINITY;
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
