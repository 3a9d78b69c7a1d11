import { type Challenge, parseChallenges } from "./challenge.ts";
import { errorFrom, OciError, Redactor } from "./errors.ts";
import { answeringScopes, exchangeToken, type Grant, mergeScopes, TokenCache, type TrustRealm } from "./token.ts";

/** How a client proves who it is. */
export type Credentials =
  /** They are sent to the registry if it asks for Basic, and to its token service if it asks for Bearer. */
  | { readonly username: string; readonly password: string }
  /** A token that is sent as it is. It is not exchanged for another one. */
  | { readonly bearer: string };

/** Which registry a client talks to, as whom, and how. */
export type ClientOptions = {
  /** The registry's root, such as `https://registry.example`. It may have a path, which then comes before `/v2/`. */
  readonly url: string | URL;
  /** Without credentials the client asks for anonymous tokens. */
  readonly credentials?: Credentials | undefined;
  /** Sends the requests; Node's own `fetch` by default. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** Aborts every request of this client. */
  readonly signal?: AbortSignal | undefined;
  /** Decides which token services may get the credentials; by default each whose connection is as safe as the registry's. */
  readonly trustRealm?: TrustRealm | undefined;
  /** The clock, in milliseconds since the epoch. Tests set it. */
  readonly now?: (() => number) | undefined;
};

/** One request to a registry. */
export type RegistryRequest = {
  /** GET by default. */
  readonly method?: "GET" | "HEAD" | "POST" | "PATCH" | "PUT" | "DELETE";
  /** A path under the registry's root, or an absolute URL that the registry gave. */
  readonly to: string | URL;
  /** What a token for this request must allow. The token is kept under these scopes. */
  readonly scopes: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>;
  /** The statuses that are answers here. Any other one is thrown as an `OciError`. */
  readonly expect: readonly number[];
};

const maxRedirects = 5;
const redirectStatuses = new Set([301, 302, 303, 307, 308]);

/**
 * Sends requests to one registry. It authenticates, sends a request once more after a challenge, follows the redirects of a
 * read, and turns errors into {@link OciError}.
 */
export class Transport {
  readonly root: URL;
  readonly #credentials: Credentials | undefined;
  readonly #fetch: typeof globalThis.fetch;
  readonly #signal: AbortSignal | undefined;
  readonly #now: () => number;
  readonly #trustRealm: TrustRealm | undefined;
  readonly #tokens: TokenCache;
  readonly #redactor: Redactor;
  readonly #session: {
    /** Is set once the registry has asked for Basic, so that later requests send it at once. */
    basic: boolean;
    /** Is set once a token service has taken the credentials. A refusal is then about what was asked for. */
    accepted: boolean;
  };

  /** @param shared another transport to the same registry, whose tokens and secrets this one shares */
  constructor(options: ClientOptions, shared?: Transport) {
    this.root = rootOf(options.url);
    this.#credentials = options.credentials;
    this.#fetch = options.fetch ?? globalThis.fetch;
    this.#signal = options.signal;
    this.#now = options.now ?? Date.now;
    this.#trustRealm = options.trustRealm;
    this.#tokens = shared === undefined ? new TokenCache(this.#now) : shared.#tokens;
    this.#redactor = shared === undefined ? new Redactor() : shared.#redactor;
    this.#session = shared === undefined ? { basic: false, accepted: false } : shared.#session;
    const { credentials } = options;
    if (credentials === undefined) return;
    if ("bearer" in credentials) this.#redactor.learn(credentials.bearer);
    else {
      this.#redactor.learn(credentials.password);
      this.#redactor.learn(basicPair(credentials));
    }
  }

  /**
   * Sends a request.
   *
   * @throws OciError if the answer has a status that the request does not expect, or none comes (`NETWORK`); the signal's
   *   reason if it is aborted
   */
  async send(call: RegistryRequest): Promise<Response> {
    const url = this.resolve(call.to);
    const response = await this.#authenticated(call, url);
    if (call.expect.includes(response.status)) return response;
    throw await errorFrom(response, this.#name(call, url), this.#redactor.clean, this.#session.accepted);
  }

  /** Sends one GET without credentials, and returns the challenges. @throws OciError unless the answer is 200 or 401 */
  async challenges(): Promise<Challenge[]> {
    const call: RegistryRequest = { to: "v2/", scopes: [], expect: [200, 401] };
    const response = await this.#once(call, this.resolve("v2/"), undefined);
    if (!call.expect.includes(response.status)) {
      throw await errorFrom(response, this.#name(call, this.resolve("v2/")), this.#redactor.clean);
    }
    await response.body?.cancel();
    return parseChallenges(response.headers.get("www-authenticate") ?? "");
  }

  /** Asks the token service of a Bearer challenge for a new token. See {@link exchangeToken}. @throws OciError */
  async exchange(challenge: Challenge, scopes: readonly string[]): Promise<Grant> {
    const credentials = this.#credentials;
    const grant = await exchangeToken({
      registry: this.root,
      challenge,
      trustRealm: this.#trustRealm,
      scopes,
      basic: credentials === undefined || "bearer" in credentials ? undefined : `Basic ${basicPair(credentials)}`,
      fetch: this.#fetch,
      signal: this.#signal,
      redactor: this.#redactor,
      now: this.#now,
    });
    this.#session.accepted = true;
    return grant;
  }

  /**
   * Returns the URL of a location that the registry gave, relative to `base`, or of a path under the registry's root.
   *
   * @throws OciError `UNEXPECTED_RESPONSE` if it is not an HTTP URL; `REDIRECT_REFUSED` if it leads from https to http, as
   *   behind a proxy that ends TLS and does not tell the registry so (`X-Forwarded-Proto`)
   */
  resolve(to: string | URL, base: string | URL = this.root): URL {
    const url = URL.parse(String(to), String(base));
    if (url === null || !/^https?:$/.test(url.protocol)) {
      throw new OciError(0, "UNEXPECTED_RESPONSE", `${this.root.host} gave a location that is not a URL.`);
    }
    if (url.protocol === "http:" && [this.root.protocol, new URL(base).protocol].includes("https:")) {
      throw new OciError(
        0,
        "REDIRECT_REFUSED",
        `${this.root.host} is reached by https, and gave a location with http: ${url.origin}. It was not followed.`,
      );
    }
    return url;
  }

  async #authenticated(call: RegistryRequest, url: URL): Promise<Response> {
    if (url.origin !== this.root.origin) return this.#once(call, url, undefined);
    const sent = await this.#known(call);
    const response = await this.#once(call, url, sent);
    if (response.status !== 401) return response;
    const answer = await this.#answerTo(call, parseChallenges(response.headers.get("www-authenticate") ?? ""), sent);
    // A stream cannot be sent twice, and a credential that was refused is not sent again.
    if (answer === undefined || answer.authorization === sent || isStream(call.body)) return response;
    await response.body?.cancel();
    const second = await this.#once(call, url, answer.authorization);
    return answer.exchanged === undefined ? second : this.#widened(call, url, second, answer.exchanged);
  }

  /** Asks once more, for a token with our own scopes, if the challenge named less than they hold and that was not enough. */
  async #widened(
    call: RegistryRequest,
    url: URL,
    response: Response,
    { challenge, token, scopes, covered }: Exchanged,
  ): Promise<Response> {
    if (covered || (response.status !== 401 && response.status !== 403)) return response;
    const exchange = () => this.exchange(challenge, mergeScopes(...scopes, ...call.scopes));
    const wider = await this.#tokens.renew(keyOf(call), token, this.#signal, exchange).catch((error: unknown) => {
      // A token service that does not know our form has not changed what the registry said.
      if (error instanceof OciError && error.status >= 400 && error.status < 429) return undefined;
      throw error;
    });
    if (wider === undefined) return response;
    await response.body?.cancel();
    return this.#once(call, url, `Bearer ${wider}`);
  }

  /** Returns the `Authorization` that the registry is likely to ask for, if this client already has it. */
  async #known(call: RegistryRequest): Promise<string | undefined> {
    const credentials = this.#credentials;
    if (credentials !== undefined && "bearer" in credentials) return `Bearer ${credentials.bearer}`;
    if (credentials !== undefined && this.#session.basic) return `Basic ${basicPair(credentials)}`;
    const token = await this.#tokens.get(keyOf(call));
    return token === undefined ? undefined : `Bearer ${token}`;
  }

  async #answerTo(
    call: RegistryRequest,
    challenges: Challenge[],
    sent: string | undefined,
  ): Promise<{ readonly authorization: string; readonly exchanged?: Exchanged } | undefined> {
    const credentials = this.#credentials;
    if (credentials !== undefined && "bearer" in credentials) return undefined;
    const basic = credentials === undefined ? undefined : `Basic ${basicPair(credentials)}`;
    const bearer = challenges.find((one) => one.scheme === "bearer" && one.params.realm !== undefined);
    if (bearer !== undefined) {
      const refused = sent?.startsWith("Bearer ") ? sent.slice(7) : undefined;
      const asked = answeringScopes(bearer.params.scope, call.scopes);
      const exchange = () => this.exchange(bearer, asked.scopes);
      const token = await this.#tokens.renew(keyOf(call), refused, this.#signal, exchange);
      return { authorization: `Bearer ${token}`, exchanged: { ...asked, challenge: bearer, token } };
    }
    if (basic === undefined || !challenges.some((one) => one.scheme === "basic")) return undefined;
    this.#session.basic = true;
    return { authorization: basic };
  }

  /** Sends one request, and follows the redirects of a read. Only the registry itself gets the `Authorization`. */
  async #once(call: RegistryRequest, first: URL, authorization: string | undefined): Promise<Response> {
    const method = call.method ?? "GET";
    let url = first;
    let secret = authorization;
    for (let hops = 0; ; hops++) {
      const response = await this.#fetchOnce(call, url, secret);
      const location = response.headers.get("location");
      if ((method !== "GET" && method !== "HEAD") || !redirectStatuses.has(response.status) || location === null)
        return response;
      await response.body?.cancel();
      const next = this.resolve(location, url);
      if (hops === maxRedirects) {
        throw new OciError(
          response.status,
          "REDIRECT_REFUSED",
          `${this.#name(call, first)}: the redirect was not followed`,
        );
      }
      if (next.origin !== this.root.origin) secret = undefined;
      url = next;
    }
  }

  async #fetchOnce(call: RegistryRequest, url: URL, authorization: string | undefined): Promise<Response> {
    const headers = { ...call.headers, ...(authorization === undefined ? {} : { authorization }) };
    try {
      return await this.#fetch(url, {
        method: call.method ?? "GET",
        headers,
        redirect: "manual",
        signal: this.#signal ?? null,
        ...(call.body === undefined ? {} : { body: call.body, duplex: "half" as const }),
      });
    } catch (cause) {
      this.#signal?.throwIfAborted();
      throw new OciError(0, "NETWORK", `${this.#name(call, url)}: no answer came`, { cause });
    }
  }

  #name(call: RegistryRequest, url: URL): string {
    return `${call.method ?? "GET"} ${url.origin}${url.pathname}`;
  }
}

/** A token that was got for a request, and what it was asked for. */
interface Exchanged {
  readonly challenge: Challenge;
  readonly token: string;
  readonly scopes: readonly string[];
  /** Whether the scopes hold all that the request needs. */
  readonly covered: boolean;
}

function isStream(body: RegistryRequest["body"]): boolean {
  return body !== undefined && !(body instanceof Uint8Array);
}

function keyOf(call: RegistryRequest): string {
  return [...call.scopes].sort().join(" ");
}

function basicPair(credentials: { username: string; password: string }): string {
  return Buffer.from(`${credentials.username}:${credentials.password}`, "utf8").toString("base64");
}

function rootOf(url: string | URL): URL {
  const root = new URL(url);
  if (!root.pathname.endsWith("/")) root.pathname += "/";
  root.username = "";
  root.password = "";
  root.search = "";
  root.hash = "";
  return root;
}
