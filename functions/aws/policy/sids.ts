import { type Statement, sidOf } from "./document.ts";

/** The Sids of our statements. A number follows where there is more than one, or where the name is taken. */
export const ourSids = {
  accounts: "ArtifactRegistryAccounts",
  roles: "ArtifactRegistryRoles",
  workers: "ArtifactRegistryWorkers",
} as const;

const ours = new RegExp(`^(?:${Object.values(ourSids).join("|")})(?:[2-9]|[1-9][0-9]+)?$`);

const earlierTools: ReadonlySet<string> = new Set([
  "CrossAccountRolePermission",
  "LambdaECRImageCrossAccountRetrievalPolicy",
  "LambdaServiceAccess",
]);

/** Who may have written a statement under this Sid: we, one of the tools before us, or (undefined) somebody else. */
export function writerOf(sid: string | undefined): "ours" | "earlier" | undefined {
  if (sid === undefined) return undefined;
  if (ours.test(sid)) return "ours";
  return earlierTools.has(sid) ? "earlier" : undefined;
}

/**
 * Gives out Sids that are unique in a policy: the base name, or the first number that no other statement bears. An edited
 * statement may keep a name of ours, so the names depend on what is foreign, and on nothing else.
 */
export function sidsBeside(foreign: readonly Statement[]): (base: string) => string {
  const taken = new Set(foreign.map((statement) => sidOf(statement)?.toLowerCase()));
  return (base) => {
    let sid = base;
    for (let n = 2; taken.has(sid.toLowerCase()); n++) sid = `${base}${n}`;
    taken.add(sid.toLowerCase());
    return sid;
  };
}
