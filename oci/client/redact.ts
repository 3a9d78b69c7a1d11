/** Replaces secrets that a registry might echo. Short values are left alone: they would tear ordinary words apart. */
export class Redactor {
  readonly #secrets = new Set<string>();

  /** Remembers a password or token; returns it, so that the call fits where the value is used. */
  learn(secret: string): string {
    if (secret.length >= 4) this.#secrets.add(secret);
    return secret;
  }

  forget(secret: string): void {
    this.#secrets.delete(secret);
  }

  readonly clean = (text: string): string => {
    let cleaned = text;
    for (const secret of this.#secrets) cleaned = cleaned.replaceAll(secret, "[redacted]");
    return cleaned;
  };
}
