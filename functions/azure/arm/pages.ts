import type { Call } from "../../../core/call.ts";
import { type Arm, type ArmClient, type ArmRequest, armRequest, type LoadedArm } from "./arm.ts";

/** The part of the clients' iterators that is used here: one page is one request. */
export interface Paged<Item> {
  byPage(settings: { readonly continuationToken?: string }): AsyncIterator<readonly Item[]>;
}

export interface Listing<Item, Loaded> {
  list(loaded: Loaded, options: { readonly abortSignal: AbortSignal }): Paged<Item>;
  /** Where the next page is; undefined after the last. */
  next(page: readonly Item[], loaded: Loaded): string | undefined;
}

/** Everything in a list of Azure Resource Manager's. Each page is counted, bounded and repeated by itself. */
export async function armList<Item, Loaded>(
  arm: { load(): Promise<Loaded> },
  call: Call,
  request: ArmRequest,
  { list, next }: Listing<Item, Loaded>,
): Promise<readonly Item[]> {
  const found: Item[] = [];
  let from: { readonly continuationToken?: string } | undefined = {};
  while (from !== undefined) {
    const settings: { readonly continuationToken?: string } = from;
    const { page, token } = await armRequest(arm, call, request, async (loaded, options) => {
      const { value = [] } = await list(loaded, options).byPage(settings).next();
      return { page: value as readonly Item[], token: next(value, loaded) };
    });
    found.push(...page);
    from = token === undefined ? undefined : { continuationToken: token };
  }
  return found;
}

/** A list of the container registries' client, whose pages say themselves where the next one is. */
export function armRegistryList<Item>(
  arm: Arm,
  call: Call,
  request: ArmRequest,
  list: (client: ArmClient, options: { readonly abortSignal: AbortSignal }) => Paged<Item>,
): Promise<readonly Item[]> {
  return armList<Item, LoadedArm>(arm, call, request, {
    list: ({ client }, options) => list(client, options),
    next: (page: readonly Item[] & { readonly continuationToken?: string }) => page.continuationToken,
  });
}
