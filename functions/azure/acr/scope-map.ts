import type { RoutableName } from "../../../core/names.ts";

/** What a scope map of ours allows, and nothing else (shared contract: content and metadata, read and write). */
const permissions = ["content/read", "content/write", "metadata/read", "metadata/write"] as const;

/**
 * By this a scope map is known as ours, whatever its actions have become. The repository is not in it: the actions
 * name it, and nobody says how long a description may be.
 */
const marker = "Made by artifact-registry functions for this one repository.";

/** The part of a scope map that is read here. */
export interface ScopeMapState {
  readonly description?: string | undefined;
  readonly actions?: readonly string[] | undefined;
}

export function scopeMapFor(repository: RoutableName): { description: string; actions: string[] } {
  return { description: marker, actions: permissions.map((each) => `repositories/${repository}/${each}`) };
}

/** The repository that a scope map of ours is for; undefined for any other scope map. */
export function ownRepositoryOf({ description, actions = [] }: ScopeMapState): string | undefined {
  if (description !== marker) return undefined;
  return /^repositories\/(.+)\/[a-z]+\/[a-z]+$/.exec(actions[0] ?? "")?.[1];
}

/**
 * What a scope map under a repository's name is to us.
 *
 * - `exact`: ours, with exactly its actions, in whatever order.
 * - `drifted`: ours, but with other actions of this same repository: they may be put right.
 * - `foreign`: not made by us, or concerned with another repository. It is never overwritten, and never deleted.
 */
export type ScopeMapOwnership = "exact" | "drifted" | "foreign";

export function ownershipOf(scopeMap: ScopeMapState, repository: RoutableName): ScopeMapOwnership {
  const actions = new Set(scopeMap.actions ?? []);
  if (scopeMap.description !== marker) return "foreign";
  const own = `repositories/${repository}/`;
  // `repositories/team/app/content/read` begins as an action of `team` does; its permission tells the two apart.
  const isOwn = (action: string) => action.startsWith(own) && /^[a-z]+\/[a-z]+$/.test(action.slice(own.length));
  const wanted = scopeMapFor(repository).actions;
  if (wanted.length === actions.size && wanted.every((action) => actions.has(action))) return "exact";
  return [...actions].every(isOwn) ? "drifted" : "foreign";
}
