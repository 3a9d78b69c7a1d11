import type { Registry } from "@azure/arm-containerregistry";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { DeprovisionOptions } from "../../../core/registry.ts";
import { listCatalog } from "../acr/catalog.ts";
import type { AcrContext } from "../acr/context.ts";
import { listScopeMaps } from "../acr/scope-maps.ts";
import { assignmentsOn, listAssignments, unassign } from "./assignments.ts";
import { deleteOwnRegistry, findIdleRegistry, isForeign } from "./registry.ts";
import { ownAssignments } from "./roles.ts";

/**
 * Removes the container registry that carries the registry's tag, and our role assignments on it. It is idempotent, and
 * leaves somebody else's registry alone.
 *
 * @throws RESOURCE_CONFLICT (not retryable) while there are repositories under the registry's prefix, unless it was told to
 *   delete them, and while there are any outside the prefix, whatever it was told
 */
export async function deprovision(
  context: AcrContext,
  { deleteRepositories = false }: DeprovisionOptions,
  call: Call,
): Promise<void> {
  const own = await findIdleRegistry(context, call);
  if (own === undefined || isForeign(own, context)) return;
  // Without a prefix, everything in the container registry is ours, so there is nothing to check if it may be deleted.
  const mustCheck = !deleteRepositories || context.names.prefix !== "";
  if (mustCheck) refuseContents(await readContents(context, own, call), deleteRepositories);

  const onRegistry = assignmentsOn(context);
  const ours = ownAssignments(onRegistry.scope, await listAssignments(onRegistry, call));
  for (const assignment of ours) await unassign(onRegistry, assignment, call);
  // We check again now that nobody gets new credentials, because Azure cannot be told to keep images that came meanwhile.
  if (mustCheck && ours.length > 0) refuseContents(await readContents(context, own, call), deleteRepositories);
  // Last, because a repeated call finds the rest by the tag of the registry.
  await deleteOwnRegistry(context, call);
}

/** The repositories in a container registry: those with images, and those that have only their scope map yet. */
interface Contents {
  readonly inside: ReadonlySet<string>;
  /** Repositories outside the prefix. They belong to another registry in the same container registry, or to nobody. */
  readonly outside: ReadonlySet<string>;
}

async function readContents(context: AcrContext, { loginServer }: Registry, call: Call): Promise<Contents> {
  context.loginServer.learn(loginServer);
  const { prefix } = context.names;
  const names = new Set((await listScopeMaps(context, call)).map(({ repository }) => repository));
  // A registry that was never finished has no login server, so nobody could push to it.
  if (loginServer) for (const name of await listCatalog(context, call)) names.add(name);
  const isInside = (name: string) => prefix === "" || name === prefix || name.startsWith(`${prefix}/`);
  return {
    inside: new Set([...names].filter(isInside)),
    outside: new Set([...names].filter((name) => !isInside(name))),
  };
}

/** @throws RESOURCE_CONFLICT (not retryable) where the deletion would take what nobody said to delete */
function refuseContents({ inside, outside }: Contents, deleteRepositories: boolean): void {
  if (outside.size > 0) {
    throw holds(
      outside.size,
      " outside the registry's prefix",
      "Move or delete them first: deleteRepositories does not reach them, and the container registry goes as a whole.",
    );
  }
  if (inside.size > 0 && !deleteRepositories) {
    throw holds(inside.size, "", "Delete them first, or pass deleteRepositories: true.");
  }
}

function holds(repositories: number, where: string, hint: string): ArtifactRegistryError {
  const what = repositories === 1 ? "a repository" : `${repositories} repositories`;
  return new ArtifactRegistryError("RESOURCE_CONFLICT", `The container registry still holds ${what}${where}.`, {
    hint,
    context: { repositories },
  });
}
