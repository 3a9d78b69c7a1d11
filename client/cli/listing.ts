import { ArtifactRegistryError } from "../../core/errors.ts";
import type { Environment } from "../binding.ts";
import type { Connection } from "../connection.ts";
import type { Operations, RemovedGrantee } from "../types.ts";

/** Commands that read a list to its end. */

/** What a command that does more than its operation works with. */
export interface PerformContext {
  readonly env: Environment;
  readonly signal: AbortSignal;
  /** Says what is under way, and how to go on if it stops here. */
  tell(now: { readonly activity: string; readonly goOn?: string }): void;
}

/** One page as the operations answer it. */
type Page<Key extends string, Item> = Readonly<Record<Key, Item[]>> & { readonly nextPageToken?: string };

/** Reads a list to its end, from where `pageToken` says. @returns all pages as one */
export async function everyPage<Key extends string, Item>(
  read: (from: { readonly pageToken?: string | undefined }) => Promise<Page<Key, Item>>,
  key: Key,
  { pageToken: first }: { readonly pageToken?: string | undefined },
): Promise<Record<Key, Item[]>> {
  const all: Item[] = [];
  for (let pageToken = first; ; ) {
    const page = await read({ pageToken });
    all.push(...page[key]);
    pageToken = page.nextPageToken;
    if (pageToken === undefined) return { [key]: all } as Record<Key, Item[]>;
  }
}

/** What became of a consumer, over all pages. */
export type Ended = Omit<RemovedGrantee, "nextPageToken">;

/** How often a whole list is gone through at most, while somebody grants again. */
const passes = 10;

/**
 * Ends a consumer's access, page by page, until a whole pass changes nothing: something may have been granted meanwhile.
 *
 * @param input `pageToken` is where an earlier run stopped
 * @throws RESOURCE_CONFLICT where somebody grants as fast as this revokes
 */
export async function cutOff(
  { registry, call }: Connection,
  { grantee, pageToken: first }: Operations["removeGranteeAccess"]["input"],
  { tell }: PerformContext,
): Promise<Ended> {
  const changed = new Set<string>();
  const leftOut: Ended["leftOut"] & object = [];
  let pageToken = first;
  for (let pass = 1; pass <= passes; pass++) {
    const isWhole = pageToken === undefined;
    const unmanaged: Ended["unmanaged"] & object = [];
    let edits = 0;
    do {
      const page = await call("removeGranteeAccess", { grantee, pageToken });
      for (const name of page.changed) changed.add(name);
      edits += page.changed.length;
      leftOut.push(...(page.leftOut ?? []));
      unmanaged.push(...(page.unmanaged ?? []));
      pageToken = page.nextPageToken;
      const from = pageToken === undefined ? "" : ` --page-token ${pageToken}`;
      tell({
        activity: `Ended the access to ${changed.size} repositories`,
        goOn: `alien-registry cut-off ${grantee} --registry ${registry}${from}`,
      });
    } while (pageToken !== undefined);
    if (!isWhole || edits > 0) continue;
    return {
      changed: [...changed],
      ...(leftOut.length > 0 && { leftOut }),
      ...(unmanaged.length > 0 && { unmanaged }),
    };
  }
  throw new ArtifactRegistryError("RESOURCE_CONFLICT", `Somebody grants ${grantee} access again and again.`, {
    hint: "Stop what grants it, and run the command again.",
  });
}
