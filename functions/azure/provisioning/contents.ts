import type { Registry } from "@azure/arm-containerregistry";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { listRepositories } from "../acr/catalog.ts";
import type { AcrContext } from "../acr/context.ts";
import { ownRepositoryOf } from "../acr/scope-map.ts";
import { armRegistryList } from "../arm/pages.ts";

/** Names of the repositories in a container registry: those with images, and those that have only their scope map yet. */
export interface Contents {
  readonly inside: ReadonlySet<string>;
  /** Not under the registry's prefix: another's, who shares the container registry, or nobody's. */
  readonly outside: ReadonlySet<string>;
}

export async function readContents(context: AcrContext, { loginServer }: Registry, call: Call): Promise<Contents> {
  context.loginServer.learn(loginServer);
  const inside = new Set<string>();
  const outside = new Set<string>();
  const { prefix } = context.names;
  const note = (name: string) => {
    const isInside = prefix === "" || name === prefix || name.startsWith(`${prefix}/`);
    (isInside ? inside : outside).add(name);
  };
  for (const name of await listScopeMaps(context, call)) note(name);
  // One that was never finished has no login server, and nobody could push there.
  if (loginServer) for (const name of await listRepositories(context, call)) note(name);
  return { inside, outside };
}

async function listScopeMaps({ arm, binding }: AcrContext, call: Call): Promise<readonly string[]> {
  const request = { action: "LIST scopeMaps", permission: "Microsoft.ContainerRegistry/registries/scopeMaps/read" };
  const { resourceGroupName, registryName } = binding;
  const found = await armRegistryList(arm, call, request, ({ scopeMaps }, options) =>
    scopeMaps.list(resourceGroupName, registryName, options),
  );
  return found.flatMap((each) => ownRepositoryOf(each) ?? []);
}

/** @throws RESOURCE_CONFLICT (not retryable) where deletion would take what nobody told to delete */
export function refuseContents({ inside, outside }: Contents, deleteRepositories: boolean): void {
  const refuse = (names: ReadonlySet<string>, whose: string, hint: string) => {
    const repositories = names.size;
    const what = repositories === 1 ? "a repository" : `${repositories} repositories`;
    return new ArtifactRegistryError("RESOURCE_CONFLICT", `The container registry still holds ${what}${whose}.`, {
      hint,
      context: { repositories },
    });
  };
  if (outside.size > 0) {
    throw refuse(
      outside,
      " outside the registry's prefix",
      "Move or delete them first: deleteRepositories does not reach them, and the container registry goes as a whole.",
    );
  }
  if (inside.size > 0 && !deleteRepositories) {
    throw refuse(inside, "", "Delete them first, or pass deleteRepositories: true.");
  }
}
