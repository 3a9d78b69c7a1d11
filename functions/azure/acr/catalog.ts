import * as v from "valibot";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { unexpected } from "../errors.ts";
import type { AcrContext } from "./context.ts";
import { accessToken } from "./credentials.ts";
import { requestRegistry, tellsNext } from "./http.ts";

const what = "ACR GET catalog";

/** What a token must open to list the catalog. */
export const catalogAccess = { type: "registry", name: "catalog", actions: ["*"] };

/** The roles that list it, for whoever may not. */
export const catalogHint =
  "Assign to the function's identity, on the registry or its resource group, AcrPull; where the registry takes role " +
  "assignments for repositories (ABAC), Container Registry Repository Catalog Lister, which takes no condition. A new " +
  "role assignment may take 10 minutes to count.";

/** How many names a page of the catalog has at most. */
const mostNames = 1_000;

/** A page of the catalog. An empty registry answers `null` instead of a list. */
const catalogPage = v.looseObject({ repositories: v.nullable(v.array(v.string())) });

/** The names of repositories that have an image, in the order of their characters. */
export interface CatalogPage {
  readonly names: readonly string[];
  /** Whether the registry has names after them. */
  readonly goesOn: boolean;
}

/**
 * Reads the names that come after `last`; all names come after an empty one.
 *
 * @throws ACCESS_DENIED where the function may not list them
 * @throws UNEXPECTED_RESPONSE_FORMAT for names that do not go on in the order of their characters: whoever goes on after the last of them
 *   would miss some
 */
export async function readCatalog(
  context: AcrContext,
  { last, most = mostNames }: { readonly last: string; readonly most?: number },
  call: Call,
): Promise<CatalogPage> {
  const hint = catalogHint;
  const catalog = { access: [catalogAccess], hint: () => hint };
  const { token } = await accessToken(context, catalog, call).catch((error: unknown) => {
    if (!(error instanceof ArtifactRegistryError) || error.code !== "ACCESS_DENIED") throw error;
    // An identity without any role is refused before the catalog matters, with a hint that names other roles.
    throw new ArtifactRegistryError("ACCESS_DENIED", error.message, { hint, cause: error });
  });
  const { json, headers } = await requestRegistry(context, call, {
    what,
    hint,
    path: `/acr/v1/_catalog?${new URLSearchParams({ n: String(most), ...(last !== "" && { last }) })}`,
    method: "GET",
    authorization: `Bearer ${token.reveal()}`,
    expect: [200],
  });
  if (!v.is(catalogPage, json)) throw unexpected(what);
  const names = json.repositories ?? [];
  const isOrdered = names.every((name, index) => name > (names[index - 1] ?? last));
  if (!isOrdered) throw unexpected(what);
  return { names, goesOn: names.length > 0 && tellsNext(headers) };
}

/**
 * Lists the names of all repositories that have an image.
 *
 * @throws ACCESS_DENIED where the function may not list them
 */
export async function listCatalog(context: AcrContext, call: Call): Promise<readonly string[]> {
  const all: string[] = [];
  for (let last = ""; ; ) {
    const { names, goesOn } = await readCatalog(context, { last }, call);
    all.push(...names);
    if (!goesOn) return all;
    last = names.at(-1) ?? last;
  }
}
