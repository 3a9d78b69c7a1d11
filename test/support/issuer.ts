import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from "jose";

type Responder = (request: IncomingMessage, response: ServerResponse) => void;

export interface SigningKey {
  readonly kid: string;
  readonly alg: string;
  readonly privateKey: CryptoKey;
  readonly publicJwk: JWK;
}

export interface TokenOptions {
  readonly key?: SigningKey;
  readonly header?: Record<string, unknown>;
}

export interface Issuer {
  readonly url: string;
  /** Paths that were asked for, in order. */
  readonly requests: string[];
  /** Public keys that the key set names; change it to rotate. */
  keys: SigningKey[];
  /** Answers instead of the discovery document or the key set, while set. */
  discovery: Responder | undefined;
  jwks: Responder | undefined;
  /** Signs with the first key. Claims that are undefined are left out. */
  sign(claims?: Record<string, unknown>, options?: TokenOptions): Promise<string>;
  /** Stops answering; `start` comes back on the same port. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

let serial = 0;

export async function createKey(alg = "ES256"): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const kid = `key-${++serial}`;
  return { kid, alg, privateKey, publicJwk: { ...(await exportJWK(publicKey)), kid, alg, use: "sig" } };
}

/** An OpenID Connect issuer on a loopback port, as real as a verifier can tell. */
export async function startIssuer(audience = "suite"): Promise<Issuer> {
  const requests: string[] = [];
  let server = createServer();
  let port = 0;
  const respond: Responder = (request, response) => {
    requests.push(request.url ?? "");
    const isDiscovery = request.url === "/.well-known/openid-configuration";
    const special = isDiscovery ? issuer.discovery : issuer.jwks;
    if (special) special(request, response);
    else if (isDiscovery) answerJson(response, { issuer: issuer.url, jwks_uri: `${issuer.url}/keys` });
    else if (request.url === "/keys") answerJson(response, { keys: issuer.keys.map((key) => key.publicJwk) });
    else response.writeHead(404).end();
  };
  const start = async () => {
    server = createServer(respond);
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    port = (server.address() as AddressInfo).port;
  };
  await start();

  const issuer: Issuer = {
    url: `http://127.0.0.1:${port}`,
    requests,
    keys: [await createKey()],
    discovery: undefined,
    jwks: undefined,
    async sign(claims = {}, { key = issuer.keys[0], header = {} } = {}) {
      if (!key) throw new Error("The issuer has no key.");
      const now = Math.floor(Date.now() / 1_000);
      const all = { iss: issuer.url, aud: audience, sub: "x", iat: now, exp: now + 300, ...claims };
      const payload = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
      return new SignJWT(payload as JWTPayload)
        .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: "JWT", ...header })
        .sign(key.privateKey);
    },
    start,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return issuer;
}

export function answerJson(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

/** A token by hand: for what no honest library signs. */
export function forge(header: object, claims: object, signature: Uint8Array = new Uint8Array()): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part(header)}.${part(claims)}.${Buffer.from(signature).toString("base64url")}`;
}
