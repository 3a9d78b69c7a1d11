/** What decides which credentials of a local registry count: its signing keys and its list of revocations, in its data folder. */
import { resolve } from "node:path";
import { ArtifactRegistryError, invalidInput } from "../../core/errors.ts";
import { writeWholeFile } from "../../core/whole-file.ts";
import { fingerprintAt, makeFolders, withKernelLock } from "../../oci/files.ts";
import {
  findTokenKeys,
  followRevocations,
  followTokenKeys,
  formatRevocations,
  loadTokenKeys,
  type Revocation,
  rotated,
  type TokenKeys,
  withRevocation,
} from "../../oci/token/index.ts";

/** Seconds for which a credential of the local registry lives. */
export const lifetimes = { min: 1, max: 43_200, default: 3_600 } as const;

const longestMs = lifetimes.max * 1_000;
/** A credential ends at a whole second, and whoever mints one may have looked at the key a moment before. */
const marginMs = 60_000;

/** Both as they are on the disk at the moment. Whoever asks sees at once what another process has changed. */
export interface LocalCredentials {
  readonly keys: TokenKeys;
  /** @throws Error if the list cannot be read. Then nobody can tell which credentials count */
  revocations(): Promise<readonly Revocation[]>;
  /** Adds to the list. @throws RevocationsFull; the system's error; Error if the list cannot be read */
  revoke(revocation: Revocation, now: Date): Promise<void>;
  /** What is wrong with the key file, which the process may not have noticed yet. */
  keyProblem(): Promise<string | undefined>;
}

/** The path of the file that holds a registry's signing keys. */
export function keyFile(dataDir: string): string {
  return resolve(dataDir, "token.key");
}

/** @param report takes what is wrong with a key file that was good before */
export function openCredentials(dataDir: string, report?: (error: unknown) => void): LocalCredentials {
  const [key, list] = [keyFile(dataDir), listFile(dataDir)];
  const keys = followTokenKeys(key, report);
  const revocations = followRevocations(list);
  return {
    keys,
    revocations,
    revoke: (revocation, now) =>
      exclusively(dataDir, async () => {
        const next = withRevocation(await revocations(), revocation, { now, longestMs: longestMs + marginMs });
        await writeWholeFile(list, formatRevocations(next), { mode: 0o644 });
      }),
    async keyProblem() {
      try {
        await keys();
        return (await findTokenKeys(key)) ? undefined : `${key} is gone.`;
      } catch (error) {
        return error instanceof Error ? error.message : String(error);
      }
    },
  };
}

/**
 * Makes the list of revocations if there is none, as the user that runs the registry. It keeps that owner when somebody else
 * changes it later, and so can be read.
 *
 * @throws the system's error
 */
export async function makeRevocationList(dataDir: string): Promise<void> {
  await exclusively(dataDir, async () => {
    const file = listFile(dataDir);
    if ((await fingerprintAt(file)) === undefined) await writeWholeFile(file, formatRevocations([]), { mode: 0o644 });
  });
}

/**
 * Puts a new key in the place of the one that signs. A registry that runs on the folder takes it up at its next request.
 *
 * @param options.endAll whether the former keys end at once, and every credential with them
 * @returns when the last credential of the former keys has ended
 * @throws INVALID_INPUT if the folder holds no key; BINDING_CONFIG_INVALID if the file cannot be read or written
 */
export async function rotateKey(dataDir: string, { now, endAll }: { now: Date; endAll: boolean }): Promise<Date> {
  const file = keyFile(dataDir);
  const endsAt = new Date(now.getTime() + (endAll ? 0 : longestMs + marginMs));
  if ((await fingerprintAt(file)) === undefined) {
    throw invalidInput(`There is no ${file}.`, "dataDir", "Name the data folder of a local registry.");
  }
  try {
    await exclusively(dataDir, async () => {
      const former = await loadTokenKeys(file);
      await writeWholeFile(file, rotated(endAll ? [former[0]] : former, { endsAt, now }), { mode: 0o600 });
    });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ArtifactRegistryError("BINDING_CONFIG_INVALID", `The key was not changed: ${why}`, { cause });
  }
  return endsAt;
}

function listFile(dataDir: string): string {
  return resolve(dataDir, "revoked.json");
}

/** Those who change the files take turns, in whatever process they are: each writes what it has read, and one thing more. */
async function exclusively(dataDir: string, work: () => Promise<void>): Promise<void> {
  await makeFolders(resolve(dataDir));
  await withKernelLock(resolve(dataDir, "token.lock"), work);
}
