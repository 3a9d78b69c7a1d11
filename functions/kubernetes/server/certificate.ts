import { readFile } from "node:fs/promises";
import { createSecureContext, type SecureContext } from "node:tls";
import type { Environment } from "../../../core/platform.ts";
import type { Warn } from "../../../core/rules-source.ts";
import { settingRefused } from "../../../core/server/process.ts";

/** The certificate of the server's own, from files that somebody else renews, as cert-manager does with a mounted Secret. */
export interface Certificate {
  /** What new connections are served with. Those that are open go on with what they began with. */
  readonly context: () => SecureContext;
  /** Looks at the files no more. */
  stop(): void;
}

export interface CertificateOptions {
  /** Is told once of files that cannot be used any more. */
  readonly warn: Warn;
  /** Milliseconds between two looks at the files. Default 5,000. */
  readonly lookEveryMs?: number | undefined;
}

interface Read {
  readonly text: string;
  readonly context: SecureContext;
}

/**
 * Reads the files that `TLS_CERT_FILE` (the certificate and those of its authorities, PEM) and `TLS_KEY_FILE` (its key, PEM)
 * name, and reads them again as long as the server runs. New files that cannot be used are told, and the last good
 * ones stay in force.
 *
 * @returns undefined where neither is set
 * @throws BINDING_CONFIG_INVALID where one is missing, cannot be read, or the key belongs to another certificate
 */
export async function readCertificate(
  { TLS_CERT_FILE: certFile, TLS_KEY_FILE: keyFile }: Environment,
  { warn, lookEveryMs = 5_000 }: CertificateOptions,
): Promise<Certificate | undefined> {
  if (!certFile && !keyFile) return undefined;
  if (!certFile || !keyFile) throw settingRefused("TLS_CERT_FILE and TLS_KEY_FILE must both be set, or neither.");

  const read = async (former?: Read): Promise<Read> => {
    const [cert, key] = await Promise.all([readFile(certFile, "utf8"), readFile(keyFile, "utf8")]);
    const text = `${cert}\n${key}`;
    if (text === former?.text) return former;
    // It throws for a key of another certificate: between two reads of a Secret that is being replaced, or for good.
    return { text, context: createSecureContext({ cert, key }) };
  };
  const unusable = (error: unknown) => {
    const { code = "no PEM" } = error as NodeJS.ErrnoException;
    return `The certificate ${certFile} with the key ${keyFile} cannot be used: ${code}.`;
  };

  let now = await read().catch((error) => {
    throw settingRefused(
      unusable(error),
      "Name the certificate, with those of its authorities, and its key, both PEM.",
    );
  });
  let problem: string | undefined;
  let looking = false;
  const look = async () => {
    if (looking) return;
    looking = true;
    try {
      now = await read(now);
      problem = undefined;
    } catch (error) {
      const message = unusable(error);
      if (message !== problem) warn(`${message} The one that was read last stays in force.`);
      problem = message;
    } finally {
      looking = false;
    }
  };
  const timer = setInterval(look, lookEveryMs).unref();
  return { context: () => now.context, stop: () => clearInterval(timer) };
}
