import { createSign, generateKeyPairSync, type KeyPairKeyObjectResult, randomUUID } from "node:crypto";
import type { ServiceAccount } from "./directory.ts";

const ISSUER = "https://accounts.google.com";
const SECONDS = 3600;

/** Identity tokens as Google signs them for service accounts, by a key of the emulator's own. */
export class IdTokens {
  /** Made when it is first needed: a key takes as long as many a test. */
  #made?: KeyPairKeyObjectResult;
  readonly #kid = randomUUID();
  readonly #clock: () => Date;

  constructor(clock: () => Date) {
    this.#clock = clock;
  }

  /** The key set that verifies them. */
  keys(): { readonly keys: readonly object[] } {
    return { keys: [{ ...this.#pair.publicKey.export({ format: "jwk" }), kid: this.#kid, alg: "RS256", use: "sig" }] };
  }

  /** A token for one audience; the e-mail is among its claims only where that is asked for. */
  sign({ email, uniqueId }: ServiceAccount, audience: string, withEmail: boolean): string {
    const now = Math.floor(this.#clock().getTime() / 1000);
    const claims = {
      iss: ISSUER,
      aud: audience,
      azp: uniqueId,
      sub: uniqueId,
      iat: now,
      exp: now + SECONDS,
      ...(withEmail ? { email, email_verified: true } : {}),
    };
    const parts = [{ alg: "RS256", kid: this.#kid, typ: "JWT" }, claims];
    const content = parts.map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
    const signature = createSign("RSA-SHA256").update(content).sign(this.#pair.privateKey).toString("base64url");
    return `${content}.${signature}`;
  }

  get #pair(): KeyPairKeyObjectResult {
    this.#made ??= generateKeyPairSync("rsa", { modulusLength: 2048 });
    return this.#made;
  }
}
