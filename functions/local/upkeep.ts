/** Upkeep of a data folder whose server does not run. */
import { stat } from "node:fs/promises";
import { ArtifactRegistryError } from "../../core/errors.ts";
import { ifThere } from "../../oci/files.ts";
import {
  type Collected,
  type CollectOptions,
  DataFolderError,
  type OfflineStore,
  openOffline,
  type Problem,
  type Verified,
} from "../../oci/registry/index.ts";

/**
 * Reads every blob and manifest of a data folder, and moves what is damaged to the quarantine.
 *
 * @param report is called with each problem
 * @throws RESOURCE_NOT_FOUND if there is no such folder, RESOURCE_CONFLICT while a server has it, or BINDING_CONFIG_INVALID if it
 *   cannot be used
 */
export function verify(dataDir: string, report: (problem: Problem) => void): Promise<Verified> {
  return offline(dataDir, (store) => store.verify({ report }));
}

/**
 * Collects the garbage of a data folder: untagged images, and blobs that no image needs.
 *
 * @throws as {@link verify}
 */
export function collect(dataDir: string, options: CollectOptions): Promise<Collected> {
  return offline(dataDir, (store) => store.collect(options));
}

async function offline<T>(dataDir: string, work: (store: OfflineStore) => Promise<T>): Promise<T> {
  // Opening would make the folder.
  if ((await ifThere(stat(dataDir))) === undefined) {
    throw new ArtifactRegistryError("RESOURCE_NOT_FOUND", `There is no folder ${dataDir}.`, {
      hint: "Name the registry's folder with --data-dir or DATA_DIR.",
    });
  }
  const store = await openOffline(dataDir).catch(explain);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

function explain(cause: unknown): never {
  if (!(cause instanceof DataFolderError)) throw cause;
  if (cause.code === "IN_USE") {
    throw new ArtifactRegistryError("RESOURCE_CONFLICT", cause.message, {
      hint: "A server does this by itself, while it serves (docs/local.md). Stop it to do it at once.",
      cause,
    });
  }
  throw new ArtifactRegistryError("BINDING_CONFIG_INVALID", cause.message, { cause });
}
