/** Reads everything that a data folder keeps, and tells what is damaged and who needs it. */
import { errnoOf, fingerprintAt } from "../../files.ts";
import { blobSize } from "../store/blobs.ts";
import { mend, readIntact } from "../store/damage.ts";
import { allRepositories, digestsIn } from "../store/listing.ts";
import type { Digest, RepositoryName } from "../store/names.ts";
import type { Store } from "../store/store.ts";
import { tagsByDigest } from "../store/tags.ts";
import { manifestsOf } from "./images.ts";

/**
 * What is wrong with a blob, or with a manifest, of a repository:
 *
 * - `restored`: it was damaged, and another copy has taken its place.
 * - `quarantined`: it was damaged and was moved to the quarantine. Whoever has it must push it again.
 * - `missing`: a manifest refers to it, and it is not there. It was deleted, or quarantined earlier.
 * - `unreadable`: the disk answers an error. The file stays where it is.
 * - `damaged`: a manifest that is damaged, and stays where it is. It counts as missing.
 */
export type ProblemKind = "restored" | "quarantined" | "missing" | "unreadable" | "damaged";

/** One blob or manifest of one repository with which something is wrong. */
export interface Problem {
  readonly kind: ProblemKind;
  readonly repository: string;
  readonly digest: string;
  /** The manifests of the repository that refer to it, and their tags. */
  readonly neededBy: readonly { readonly manifest: string; readonly tags: readonly string[] }[];
}

/** What was read. */
export interface Verified {
  readonly repositories: number;
  /** Data that several repositories share counts once. */
  readonly blobs: number;
  readonly bytes: number;
  readonly problems: number;
}

/** How a data folder is read. */
export interface VerifyOptions {
  /** Is called with each problem, when it has been dealt with. */
  readonly report: (problem: Problem) => void;
  /** Is called with the bytes of each part that was read, and the reading waits for it. If it throws, the reading ends. */
  readonly pace?: (bytes: number) => Promise<void>;
}

/**
 * Reads every blob and every manifest of a data folder. Pushes and pulls may go on meanwhile. A damaged blob is replaced by
 * another copy, or moved to the quarantine.
 *
 * @throws DataFolderError; the system's error if the disk refuses to move a file; what `pace` throws
 */
export async function verifyStore(store: Store, { report, pace }: VerifyOptions): Promise<Verified> {
  const done = { repositories: 0, blobs: 0, bytes: 0, problems: 0 };
  const whole = new Set<string>();

  async function check(digest: Digest, file: string): Promise<ProblemKind | undefined> {
    const found = await fingerprintAt(file);
    if (found === undefined) return undefined;
    const data = `${found.device} ${found.inode}`;
    if (whole.has(data)) return undefined;
    try {
      done.blobs += 1;
      done.bytes += Number(found.size);
      if ((await readIntact(store, digest, file, pace)) !== undefined) {
        whole.add(data);
        return undefined;
      }
      return (await mend(store, digest, file, "read")) === undefined ? "quarantined" : "restored";
    } catch (error) {
      // Where one sector is lost, the rest of the disk is still read.
      if (errnoOf(error) !== "EIO") throw error;
      return "unreadable";
    }
  }

  async function verifyRepository(name: RepositoryName): Promise<void> {
    const found = new Map<string, { kind: ProblemKind; neededBy: { manifest: string; tags: string[] }[] }>();
    for (const digest of await digestsIn(store.layout.ownBlobs(name))) {
      const kind = await check(digest, store.layout.blob(name, digest));
      if (kind !== undefined) found.set(digest.text, { kind, neededBy: [] });
    }
    const tags = await tagsByDigest(store, name);
    for await (const { digest, content } of manifestsOf(store, name)) {
      const user = { manifest: digest.text, tags: tags.get(digest.text) ?? [] };
      if (content === undefined) found.set(digest.text, { kind: "damaged", neededBy: [user] });
      for (const { digest: blob } of content?.blobs ?? []) {
        const known = found.get(blob.text);
        if (known !== undefined) known.neededBy.push(user);
        else if ((await blobSize(store, name, blob)) === undefined) {
          found.set(blob.text, { kind: "missing", neededBy: [user] });
        }
      }
    }
    done.repositories += 1;
    done.problems += found.size;
    for (const [digest, { kind, neededBy }] of found) report({ kind, repository: name, digest, neededBy });
  }

  for (const name of await allRepositories(store.layout)) await verifyRepository(name);
  return done;
}
