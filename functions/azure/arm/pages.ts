/** Reads lists of Azure Resource Manager page by page. No request for credentials needs a list. */
import type { Call } from "../../../core/call.ts";
import { type ArmClient, type ArmOptions, type ArmRequest, armRequest, type LoadedArm } from "./requests.ts";

/** How a list is read from a client whose iterators give pages. */
export interface Pages<Item, Loaded> {
  list(loaded: Loaded, options: ArmOptions): PagedIterator<Item>;
  /** The token of the next page; undefined after the last page. */
  next(page: readonly Item[], loaded: Loaded): string | undefined;
}

/** The part of the clients' iterators that we use. One page is one request. */
export interface PagedIterator<Item> {
  byPage(settings: { readonly continuationToken?: string }): AsyncIterator<readonly Item[]>;
}

/** Reads a whole list. Each page is a request of its own, which is counted, limited in time and repeated as any other. */
export async function armList<Item, Loaded>(
  arm: { load(): Promise<Loaded> },
  call: Call,
  request: ArmRequest,
  { list, next }: Pages<Item, Loaded>,
): Promise<readonly Item[]> {
  const items: Item[] = [];
  let continuationToken: string | undefined;
  do {
    const settings = continuationToken === undefined ? {} : { continuationToken };
    const { page, token } = await armRequest(arm, call, request, async (loaded, options) => {
      const { value = [] } = await list(loaded, options).byPage(settings).next();
      return { page: value as readonly Item[], token: next(value, loaded) };
    });
    items.push(...page);
    continuationToken = token;
  } while (continuationToken !== undefined);
  return items;
}

/** Lists of the client for container registries, whose pages carry the token of the next page. */
export function registryPages<Item>(
  list: (client: ArmClient, options: ArmOptions) => PagedIterator<Item>,
): Pages<Item, LoadedArm> {
  return {
    list: ({ client }, options) => list(client, options),
    next: (page: readonly Item[] & { readonly continuationToken?: string }) => page.continuationToken,
  };
}
