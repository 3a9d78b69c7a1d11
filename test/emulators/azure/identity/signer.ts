import { generateKeyPairSync, type KeyPairKeyObjectResult, randomUUID } from "node:crypto";
import { errors, type JWTPayload, jwtVerify, SignJWT } from "jose";

/** Signs JSON web tokens with a key that was made at start (RS256). */
export class Signer {
  /** Made when it is first needed: a key takes as long as many a test. */
  #made?: KeyPairKeyObjectResult;
  readonly #kid = randomUUID();
  /** Every token so far. */
  readonly signed: string[] = [];

  async sign(claims: JWTPayload): Promise<string> {
    const header = { alg: "RS256", kid: this.#kid, typ: "JWT" };
    const token = await new SignJWT(claims).setProtectedHeader(header).sign(this.#pair.privateKey);
    this.signed.push(token);
    return token;
  }

  /** The claims of a token that this key signed and that has not ended at `now`; why not, in a word, for any other. */
  async read(token: string, now: Date): Promise<JWTPayload | "invalid" | "expired"> {
    try {
      const { payload } = await jwtVerify(token, this.#pair.publicKey, { algorithms: ["RS256"], currentDate: now });
      return payload;
    } catch (error) {
      return error instanceof errors.JWTExpired ? "expired" : "invalid";
    }
  }

  /** The key set that verifies them. */
  keys(): { readonly keys: readonly object[] } {
    return { keys: [{ ...this.#pair.publicKey.export({ format: "jwk" }), kid: this.#kid, alg: "RS256", use: "sig" }] };
  }

  get #pair(): KeyPairKeyObjectResult {
    this.#made ??= generateKeyPairSync("rsa", { modulusLength: 2048 });
    return this.#made;
  }
}
