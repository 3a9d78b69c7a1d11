/** Scopes of the Docker token specification, for the requests that this client makes. */
export const scope = {
  pull: (repository: string): string => `repository:${repository}:pull`,
  push: (repository: string): string => `repository:${repository}:pull,push`,
  delete: (repository: string): string => `repository:${repository}:delete`,
  catalog: "registry:catalog:*",
} as const;

/** The scopes of both lists, each once, in order. One parameter may hold several, separated by spaces. */
export function union(...lists: readonly (string | undefined)[]): string[] {
  return [...new Set(lists.flatMap((list) => list?.split(/\s+/) ?? []).filter((one) => one !== ""))];
}
