import { readFile } from "node:fs/promises";
import {
  type AgentOptions,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
} from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { Environment } from "./platform.ts";

/** How a client reaches servers, and whom it trusts. */
export interface HttpClientOptions {
  /**
   * Where `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` are read from, in either case. Default: no proxy is used. How an entry of
   * `NO_PROXY` is read: {@link isDirect}.
   */
  readonly env?: Environment | undefined;
  /** PEM file of the CAs to trust instead of those that Node brings. It is read for each request, because it may be rotated. */
  readonly caFile?: string | undefined;
  /** File of a token to send as `Authorization: Bearer`. It is read for each request, because it may be rotated. */
  readonly tokenFile?: string | undefined;
  /** The most bytes that the body of an answer may have. Default 2 MiB, since key sets, tokens and secrets are far smaller. */
  readonly answerAtMost?: number | undefined;
  /** How many connections to one host there may be at a time. Further requests wait. Default: no limit. */
  readonly connections?: number | undefined;
  /** Milliseconds in which a connection must be open. Default 5,000. Only the signal of a request limits the rest of it. */
  readonly connectMs?: number | undefined;
}

type Body = string | Uint8Array | AsyncIterable<Uint8Array>;

/** What to send. The method is GET by default. */
export interface HttpRequestOptions {
  readonly method?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** A stream is sent as it comes, and never held in memory. Name its length in `content-length` if it is known. */
  readonly body?: Body | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** An answer whose body was read completely. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** The JSON of an answer. @returns undefined for anything else, such as a proxy's page */
export function jsonOf({ body }: Pick<HttpAnswer, "body">): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
}

/** The headers of an answer as the Fetch standard reads them: several of one name are one text. */
export function headersOf({ headers }: Pick<HttpAnswer, "headers">): Pick<Headers, "get"> {
  return { get: (name) => [headers[name.toLowerCase()] ?? []].flat().join(", ") || null };
}

/**
 * A small HTTP client for requests of our own: TLS with CAs of one's own, kept connections, proxies from the
 * environment, and bounds for time and size. It follows no redirect, so that a token goes to the host that was named
 * and nowhere else. It loads neither `fetch` nor undici, which cost a cold start more than the request itself.
 */
export interface HttpClient {
  /**
   * Sends one request and reads the whole answer, whatever its status is.
   *
   * @throws the file system's error for a file that cannot be read; the system's for no connection (`ECONNREFUSED`,
   *   `ETIMEDOUT`, a TLS code); the signal's when it fires; an Error for an answer that is too large or breaks off
   */
  request(url: string | URL, options?: HttpRequestOptions): Promise<HttpAnswer>;
  /** The same in the form of the Fetch standard, for libraries that take a `fetch`. */
  readonly fetch: typeof globalThis.fetch;
}

const proxyVariables = ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"] as const;

/**
 * Creates a client. Its connections are kept and shared, so one client serves many requests.
 *
 * @example
 * const http = createHttpClient({ env: process.env, caFile: "/etc/registry/ca.crt" });
 * const { status, body } = await http.request("https://registry.example/v2/", { signal: AbortSignal.timeout(5_000) });
 */
export function createHttpClient(options: HttpClientOptions = {}): HttpClient {
  const { env = {}, caFile, tokenFile, answerAtMost = 2 * 1024 * 1024, connections, connectMs = 5_000 } = options;
  const proxyEnv = Object.fromEntries(proxyVariables.flatMap((name) => (env[name] ? [[name, env[name]]] : [])));
  const agentOptions = { keepAlive: true, ...(connections !== undefined && { maxSockets: connections }) };
  const noProxy = Object.keys(proxyEnv).length > 0 ? env.no_proxy || env.NO_PROXY : undefined;
  const [direct, proxied] = [createAgents(agentOptions), createAgents({ ...agentOptions, proxyEnv })];

  async function agentFor(url: URL): Promise<HttpAgent> {
    const ca = caFile === undefined ? undefined : await readFile(caFile, "utf8");
    const agents = noProxy && (await import("./no-proxy.ts")).isDirect(url, noProxy) ? direct : proxied;
    return agents(url, ca);
  }

  async function start(target: string | URL, options: HttpRequestOptions): Promise<IncomingMessage> {
    const { method = "GET", headers, body, signal } = options;
    const url = new URL(target);
    const agent = await agentFor(url);
    const token = tokenFile === undefined ? undefined : (await readFile(tokenFile, "utf8")).trim();
    signal?.throwIfAborted();
    const safe = method === "GET" || method === "HEAD";
    const sent = {
      ...headers,
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      // Without a length, some servers wait for a body that never comes. A GET or HEAD without a body needs none.
      ...((body !== undefined || !safe) &&
        !isStream(body) && { "content-length": String(Buffer.byteLength(body ?? "")) }),
    };
    const once = () => send({ url, agent, method, headers: sent, body, signal, connectMs });
    try {
      return await once();
    } catch (error) {
      if (!(error instanceof StaleConnection)) throw error;
      // The server closed a kept connection just when we used it. We send the request again only if it changes nothing there.
      if (safe) return await once();
      throw error.cause;
    }
  }

  return {
    async request(target, options = {}) {
      const response = await start(target, options);
      const { statusCode: status = 0, headers } = response;
      return { status, headers, body: await readAll(response, answerAtMost) };
    },
    async fetch(input, { method, headers, body, signal } = {}) {
      const url = input instanceof Request ? input.url : String(input);
      const response = await start(url, {
        method,
        headers: Object.fromEntries(new Headers(headers)),
        body: await sendable(body),
        signal: signal ?? undefined,
      });
      return toResponse(response, url, answerAtMost);
    },
  };
}

/** Keeps one agent for plain requests, and one for secure ones, which is replaced when the CAs change. */
function createAgents(options: AgentOptions): (url: URL, ca: string | undefined) => HttpAgent {
  let plain: HttpAgent | undefined;
  let secure: { readonly ca: string | undefined; readonly agent: HttpsAgent } | undefined;
  return ({ protocol }, ca) => {
    if (protocol !== "https:") {
      plain ??= new HttpAgent(options);
      return plain;
    }
    if (secure === undefined || secure.ca !== ca) {
      if (secure) retire(secure.agent);
      secure = { ca, agent: new HttpsAgent({ ...options, ...(ca !== undefined && { ca }) }) };
    }
    return secure.agent;
  };
}

/** Thrown when the server closed a kept connection while we sent a request, before any answer came. */
class StaleConnection extends Error {}

interface Sending {
  readonly url: URL;
  readonly agent: HttpAgent;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Body | undefined;
  readonly signal: AbortSignal | undefined;
  readonly connectMs: number;
}

/** @throws StaleConnection, or what Node says when no answer comes */
function send({ url, agent, method, headers, body, signal, connectMs }: Sending): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const secure = url.protocol === "https:";
    const start = secure ? httpsRequest : httpRequest;
    const request = start(url, { agent, method, headers, ...(signal && { signal }) });
    request.once("socket", (socket) => {
      if (!socket.connecting) return;
      const late = Object.assign(new Error(`no connection to ${url.host} within ${connectMs} ms`), {
        code: "ETIMEDOUT",
      });
      const timer = setTimeout(() => request.destroy(late), connectMs);
      for (const event of [secure ? "secureConnect" : "connect", "close"]) {
        socket.once(event, () => clearTimeout(timer));
      }
    });
    request.once("error", (error: NodeJS.ErrnoException) => {
      const stale = request.reusedSocket && (error.code === "ECONNRESET" || error.code === "EPIPE");
      reject(stale ? new StaleConnection("stale connection", { cause: error }) : error);
    });
    request.once("response", resolve);
    if (!isStream(body)) request.end(body);
    else import("node:stream/promises").then(({ pipeline }) => pipeline(body, request)).catch(reject);
  });
}

function isStream(body: Body | undefined): body is AsyncIterable<Uint8Array> {
  return typeof body === "object" && !(body instanceof Uint8Array);
}

async function* bounded(response: IncomingMessage, atMost: number): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > atMost) throw new Error(`the answer has more than ${atMost} bytes`);
    yield chunk;
  }
}

/** Lets the requests in flight end, and closes each connection after its last request. */
function retire(agent: HttpsAgent): void {
  Object.assign(agent, { keepAlive: false });
  for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
}

async function sendable(body: RequestInit["body"]): Promise<Body | undefined> {
  if (body === undefined || body === null || typeof body === "string" || body instanceof Uint8Array) {
    return body ?? undefined;
  }
  // Node's own `fetch` takes what can be iterated, too.
  if (Symbol.asyncIterator in body) return body as AsyncIterable<Uint8Array>;
  return new Uint8Array(await new Response(body).arrayBuffer());
}

/** Answers of at most this many bytes are read at once, so that they free their connection even if nobody reads them. */
const smallAnswer = 16 * 1024;

async function toResponse(message: IncomingMessage, url: string, atMost: number): Promise<Response> {
  const { statusCode: status = 0, req } = message as IncomingMessage & { readonly req: { readonly method: string } };
  const headers = new Headers();
  for (const [name, value] of Object.entries(message.headers)) {
    for (const each of [value ?? []].flat()) headers.append(name, each);
  }
  let body: Buffer | ReadableStream<Uint8Array> | null = null;
  const length = Number(message.headers["content-length"] ?? Number.NaN);
  // With these a Response must have no body (Fetch standard, "null body status").
  if (req.method === "HEAD" || status === 204 || status === 205 || status === 304) message.resume();
  else if (length <= Math.min(smallAnswer, atMost)) body = await readAll(message, atMost);
  else body = ReadableStream.from(bounded(message, atMost));
  const response = new Response(body as ConstructorParameters<typeof Response>[0], { status, headers });
  // A Response that we construct has no URL, but readers resolve relative locations against it.
  return Object.defineProperty(response, "url", { value: url });
}

async function readAll(message: IncomingMessage, atMost: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bounded(message, atMost)) chunks.push(chunk);
  return Buffer.concat(chunks);
}
