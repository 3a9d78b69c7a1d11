import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { unexpected } from "../errors.ts";
import { registryUrl } from "../place.ts";
import { accessToken } from "./access-token.ts";
import type { AcrContext } from "./context.ts";
import { askRegistry } from "./http.ts";

const what = "ACR GET catalog";
const hint =
  "Assign to the provisioning function's identity, on the registry or its resource group, AcrPull; where the registry " +
  "takes role assignments for repositories (ABAC), Container Registry Repository Catalog Lister. A new role assignment " +
  "may take 10 minutes to count.";

/** How many names a page of the catalog has, at most. */
const pageSize = 1_000;

/**
 * The names of all repositories that have an image.
 *
 * @throws ACCESS_DENIED where the function may not list them
 */
export async function listRepositories(context: AcrContext, call: Call): Promise<readonly string[]> {
  const url = registryUrl(await context.loginServer(call), context.env);
  const asked = { type: "registry", name: "catalog", actions: ["*"], hint: () => hint };
  const { token } = await accessToken(context, asked, call).catch((error: unknown) => {
    if (!(error instanceof ArtifactRegistryError) || error.code !== "ACCESS_DENIED") throw error;
    // Whoever has no role at all is refused before the catalog is spoken of.
    throw new ArtifactRegistryError("ACCESS_DENIED", error.message, { hint, cause: error });
  });
  const found: string[] = [];
  for (let last = ""; ; ) {
    const { json, headers } = await askRegistry(context, call, {
      what,
      hint,
      url: `${url}/acr/v1/_catalog?${new URLSearchParams({ n: String(pageSize), ...(last !== "" && { last }) })}`,
      method: "GET",
      authorization: `Bearer ${token.reveal()}`,
      expect: [200],
    });
    const page = namesOf(json);
    found.push(...page);
    const end = page.at(-1);
    if (end === undefined || !/rel="?next/i.test(headers.get("link") ?? "")) return found;
    // One that goes back would be read for ever.
    if (end === last) throw unexpected(what);
    last = end;
  }
}

/** An empty registry answers `null` in the place of a list. */
function namesOf(json: unknown): readonly string[] {
  const names: unknown = typeof json === "object" && json !== null ? Reflect.get(json, "repositories") : undefined;
  if (names === null) return [];
  if (Array.isArray(names) && names.every((name) => typeof name === "string")) return names;
  throw unexpected(what);
}
