import * as v from "valibot";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { unexpected } from "../errors.ts";
import type { AcrContext } from "./context.ts";
import { accessToken } from "./credentials.ts";
import { requestRegistry } from "./http.ts";

const what = "ACR GET catalog";
const hint =
  "Assign to the provisioning function's identity, on the registry or its resource group, AcrPull; where the registry " +
  "takes role assignments for repositories (ABAC), Container Registry Repository Catalog Lister. A new role assignment " +
  "may take 10 minutes to count.";

/** How many names a page of the catalog has at most. */
const pageSize = 1_000;

/** A page of the catalog. An empty registry answers `null` instead of a list. */
const catalogPage = v.looseObject({ repositories: v.nullable(v.array(v.string())) });

/**
 * Lists the names of all repositories that have an image.
 *
 * @throws ACCESS_DENIED where the function may not list them
 */
export async function listRepositories(context: AcrContext, call: Call): Promise<readonly string[]> {
  const catalog = { access: [{ type: "registry", name: "catalog", actions: ["*"] }], hint: () => hint };
  const { token } = await accessToken(context, catalog, call).catch((error: unknown) => {
    if (!(error instanceof ArtifactRegistryError) || error.code !== "ACCESS_DENIED") throw error;
    // An identity without any role is refused before the catalog matters, with a hint that names other roles.
    throw new ArtifactRegistryError("ACCESS_DENIED", error.message, { hint, cause: error });
  });
  const names: string[] = [];
  for (let last = ""; ; ) {
    const { json, headers } = await requestRegistry(context, call, {
      what,
      hint,
      path: `/acr/v1/_catalog?${new URLSearchParams({ n: String(pageSize), ...(last !== "" && { last }) })}`,
      method: "GET",
      authorization: `Bearer ${token.reveal()}`,
      expect: [200],
    });
    if (!v.is(catalogPage, json)) throw unexpected(what);
    const page = json.repositories ?? [];
    names.push(...page);
    const end = page.at(-1);
    if (end === undefined || !/rel="?next/i.test(headers.get("link") ?? "")) return names;
    // A list that does not go on would be read for ever.
    if (end === last) throw unexpected(what);
    last = end;
  }
}
