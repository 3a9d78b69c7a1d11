import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { tool } from "../../tools/tools.ts";

const run = promisify(execFile);

export interface PasswordStore {
  readonly env: Record<string, string>;
  stop(): Promise<void>;
}

/** `pass`, the store that needs no desktop: files that GnuPG encrypts, under a key that is made here. */
export async function startPasswordStore(folder: string): Promise<PasswordStore> {
  const env = {
    HOME: folder,
    GNUPGHOME: join(folder, "gnupg"),
    PASSWORD_STORE_DIR: join(folder, "store"),
    PATH: [dirname(tool("docker-credential-pass")), dirname(tool("gpg")), process.env.PATH].join(":"),
  };
  await mkdir(env.GNUPGHOME, { recursive: true, mode: 0o700 });
  const key = ["--batch", "--quiet", "--passphrase", "", "--quick-generate-key", "store@example.com", "default"];
  await run("gpg", key, { env });
  await run(tool("pass"), ["init", "store@example.com"], { env });
  return {
    env,
    async stop() {
      await run("gpgconf", ["--kill", "all"], { env });
    },
  };
}
