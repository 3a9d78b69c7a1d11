import "reflect-metadata";
import { randomUUID, webcrypto } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { X509CertificateGenerator } from "@peculiar/x509";
import { SignJWT } from "jose";
import { type Access, formatScope, narrow, parseScope } from "../../../oci/token/index.ts";
import type { Login } from "./files.ts";

/** An account of the token server, and what it may do. */
export interface Grantee extends Login {
  /** Scopes, as `repository:images/*:pull`. */
  readonly scopes: string;
}

/** How a token service differs from what the specification says. */
export interface TokenManners {
  /** A scope that it does not understand, and answers with 400. */
  readonly refusesScope?: RegExp;
  /** Grants all that the account may do in a repository, whatever was asked for. */
  readonly ignoresActions?: true;
  /** The answer's members. Default: `token`, `expires_in` and `issued_at`. */
  answer?(token: string, seconds: number, issuedAt: string): object;
}

export interface TokenServer {
  readonly realm: string;
  readonly service: string;
  readonly issuer: string;
  /** PEM of the certificate that registries verify tokens with. */
  readonly certificate: string;
  /** What was asked for, account first: `alice repository:images/app:pull`. */
  readonly asked: readonly string[];
  /** Lifetime of the tokens that are signed from now on. */
  seconds: number;
  stop(): Promise<void>;
}

const service = "registry.test";
const issuer = "token-server.test";
const algorithm = {
  name: "RSASSA-PKCS1-v1_5",
  hash: "SHA-256",
  publicExponent: new Uint8Array([1, 0, 1]),
  modulusLength: 2048,
};

/**
 * A token server as the distribution project specifies it: RS256, with the certificate in `x5c`. It grants what is both
 * asked for and allowed, which may be nothing, and refuses a wrong password.
 */
export async function startTokenServer(
  grantees: readonly Grantee[],
  {
    refusesScope,
    ignoresActions,
    answer: written = (token, seconds, issuedAt) => ({ token, expires_in: seconds, issued_at: issuedAt }),
  }: TokenManners = {},
): Promise<TokenServer> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: "CN=Token server of a test",
    keys,
    signingAlgorithm: algorithm,
    notBefore: new Date(Date.now() - 86_400_000),
    notAfter: new Date(Date.now() + 86_400_000),
  });
  const x5c = [Buffer.from(certificate.rawData).toString("base64")];
  const asked: string[] = [];

  const sign = (access: readonly Access[], subject: string, now: number, seconds: number) =>
    new SignJWT({ access })
      .setProtectedHeader({ alg: "RS256", typ: "JWT", x5c })
      .setIssuer(issuer)
      .setSubject(subject)
      .setAudience(service)
      .setIssuedAt(now)
      .setNotBefore(now)
      .setExpirationTime(now + seconds)
      .setJti(randomUUID())
      .sign(keys.privateKey);

  const answer = async (request: IncomingMessage): Promise<[status: number, body: object]> => {
    const url = new URL(request.url ?? "/", "http://token-server");
    const account = accountOf(request, grantees);
    if (account === undefined || url.searchParams.get("service") !== service) {
      return [401, { errors: [{ code: "UNAUTHORIZED", message: "wrong account or service" }] }];
    }
    const scopes = url.searchParams.getAll("scope");
    if (refusesScope !== undefined && scopes.some((each) => refusesScope.test(each))) {
      return [400, { errors: [{ code: "INVALID_REQUEST", message: "Unable to decode repository and actions" }] }];
    }
    const named = parseScope(scopes.join(" "));
    asked.push(`${account.username} ${formatScope(named)}`);
    const requested = ignoresActions ? named.map((each) => ({ ...each, actions: ["*"] })) : named;
    const now = Math.floor(Date.now() / 1_000);
    const { seconds } = server;
    const token = await sign(narrow(requested, parseScope(account.scopes)), account.username, now, seconds);
    return [200, written(token, seconds, new Date(now * 1_000).toISOString())];
  };
  const http = createServer((request, response) => {
    answer(request).then(
      ([status, body]) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body)),
      () => response.writeHead(500).end(),
    );
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const server: TokenServer = {
    realm: `http://127.0.0.1:${(http.address() as AddressInfo).port}/auth`,
    service,
    issuer,
    certificate: certificate.toString("pem"),
    asked,
    seconds: 300,
    async stop() {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
  return server;
}

function accountOf(request: IncomingMessage, grantees: readonly Grantee[]): Grantee | undefined {
  const [, encoded = ""] = /^Basic (.+)$/.exec(request.headers.authorization ?? "") ?? [];
  const pair = Buffer.from(encoded, "base64").toString();
  return grantees.find(({ username, password }) => pair === `${username}:${password}`);
}
