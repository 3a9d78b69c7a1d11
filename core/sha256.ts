import { type BinaryLike, createHash, createHmac, type Hash, type Hmac } from "node:crypto";

/** Node's own SHA-256 and HMAC behind the interface that the signer of AWS's requests expects (`@smithy/types`, Checksum). */
export class Sha256 {
  readonly #secret: BinaryLike | undefined;
  #hash: Hash | Hmac;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    // Node takes an ArrayBuffer as a key, too; only its types do not say so.
    this.#secret = secret as BinaryLike | undefined;
    this.#hash = this.#start();
  }

  #start(): Hash | Hmac {
    return this.#secret === undefined ? createHash("sha256") : createHmac("sha256", this.#secret);
  }

  update(chunk: Uint8Array): void {
    this.#hash.update(chunk);
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }

  reset(): void {
    this.#hash = this.#start();
  }
}
