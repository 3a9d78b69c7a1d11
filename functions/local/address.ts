/** The file by which commands on the same machine find a local server without any setting. */
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { writeWholeFile } from "../../core/whole-file.ts";

/** What a server says of itself. `client/cli/running-server.ts` reads it. */
export interface Address {
  /** URL of the API, on this machine. */
  readonly url: string;
  /** The registries that it binds. */
  readonly registries: readonly string[];
  /** What callers send, if the door is that of the caller token. */
  readonly callerToken?: string;
}

/** The file's place in the data folder, which holds the key that signs credentials as well: who may read one, may read the other. */
const addressFile = (dataDir: string) => join(dataDir, "server.json");

/**
 * Writes the file, for its owner alone.
 *
 * @returns what removes it again, unless another server has written its own meanwhile. Where it cannot be removed, it stays: the
 *   server must end all the same
 * @throws the system's error
 */
export async function announce(dataDir: string, address: Address): Promise<() => Promise<void>> {
  const file = addressFile(dataDir);
  const text = `${JSON.stringify(address)}\n`;
  await writeWholeFile(file, text, { mode: 0o600 });
  return async () => {
    if ((await readFile(file, "utf8").catch(() => undefined)) === text) await rm(file).catch(() => {});
  };
}
