/** The tag on a container registry that this suite made or adopted. Its value says for which repositories. */
export const ownershipTag = "alien-artifact-registry";

/** The value of the tag: the path under which the registry's repositories are, as `images/`; `/` where it has no prefix. */
export function ownershipValue(prefix: string): string {
  return `${prefix}/`;
}

/** @param tags as Azure Resource Manager answers them; their names are the same in upper and lower case */
export function isOurs(tags: Readonly<Record<string, string>> | undefined, prefix: string): boolean {
  return ownerOf(tags) === ownershipValue(prefix);
}

/** The value of our tag, whoever's registry it is; undefined where there is none. */
export function ownerOf(tags: Readonly<Record<string, string>> = {}): string | undefined {
  return Object.entries(tags).find(([name]) => name.toLowerCase() === ownershipTag)?.[1];
}
