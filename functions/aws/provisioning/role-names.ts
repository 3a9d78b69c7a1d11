import { createHash } from "node:crypto";

/** IAM, CreateRole: characters of a role's name. */
const nameLimit = 64;

export type RoleKind = "pull" | "push";

/** Name of the role that mints for a registry: `{prefix}-pull` or `{prefix}-push`, with a hash where that does not fit. */
export function roleName(repositoryPrefix: string, kind: RoleKind): string {
  // A role's name has no `/`; a prefix may.
  const plain = `${repositoryPrefix.replaceAll("/", "-")}-${kind}`;
  if (plain.length <= nameLimit && !repositoryPrefix.includes("/")) return plain;
  const hash = createHash("sha256").update(repositoryPrefix).digest("hex").slice(0, 20);
  return `${plain.slice(0, nameLimit - hash.length - kind.length - 2).replace(/-+$/, "")}-${hash}-${kind}`;
}

export function roleArn(partition: string, account: string, name: string): string {
  return `arn:${partition}:iam::${account}:role/${name}`;
}
