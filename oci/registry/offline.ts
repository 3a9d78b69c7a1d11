/** A data folder without a registry: for upkeep while no server has it. */
import { openStore } from "./store/store.ts";
import { type Collected, type CollectOptions, collectGarbage } from "./upkeep/collect.ts";
import { type Verified, type VerifyOptions, verifyStore } from "./upkeep/verify.ts";

/** An open data folder. No registry can open it until it is closed. */
export interface OfflineStore {
  /** Reads everything. @throws the errors of {@link verifyStore} */
  verify(options: VerifyOptions): Promise<Verified>;
  /** Collects garbage. @throws the errors of {@link collectGarbage} */
  collect(options: CollectOptions): Promise<Collected>;
  close(): Promise<void>;
}

/**
 * Opens a data folder that no registry has. What the last registry left unfinished is thrown away, as at a start.
 *
 * @throws DataFolderError if a registry has the folder, or it cannot be written
 *
 * @example
 * const store = await openOffline(".data");
 * await store.verify({ report: (problem) => console.log(problem) });
 * await store.close();
 */
export async function openOffline(
  dataDir: string,
  log: (message: string, cause: unknown) => void = () => undefined,
): Promise<OfflineStore> {
  const store = await openStore({ dataDir, clock: () => new Date(), elapsed: () => performance.now(), log });
  return {
    verify: (options) => verifyStore(store, options),
    collect: (options) => collectGarbage(store, options),
    close: () => store.lock.release(),
  };
}
