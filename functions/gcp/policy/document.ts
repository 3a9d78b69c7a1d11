import { ArtifactRegistryError } from "../../../core/errors.ts";

/** An IAM policy as the client library gives it: what is not named here passes through untouched. */
export interface IamPolicy {
  readonly version?: number | null;
  readonly bindings?: readonly Binding[] | null;
  /** Stands for the state that was read; the only guard against losing somebody else's edit. */
  readonly etag?: Uint8Array | string | null;
}

/** Members of one role. Bindings are told apart by role and condition together. */
export interface Binding {
  readonly role?: string | null;
  readonly members?: readonly string[] | null;
  readonly condition?: object | null;
}

/** The version that can hold conditions. An edit under a lower one would lose them. */
export const policyVersion = 3;

/** The role that consumers get: it pulls, and nothing else. */
export const readerRole = "roles/artifactregistry.reader";

/** Principals that a policy may hold, every occurrence in every binding counted (IAM quotas, "Allow policies"). */
export const membersAtMost = 1_500;

/** Refuses a policy that IAM would refuse; asked where an edit adds, never where it takes away. @throws QUOTA_EXCEEDED */
export function refuseOverfull(before: IamPolicy, after: IamPolicy): void {
  const [inUse, wanted] = [membersIn(before), membersIn(after)];
  if (wanted <= membersAtMost) return;
  throw new ArtifactRegistryError(
    "QUOTA_EXCEEDED",
    `The repository's IAM policy would hold ${wanted} members; it may hold ${membersAtMost}, and holds ${inUse}.`,
    {
      hint: "Remove grants that are not needed, or grant consumers through a Google group that the operator adds once.",
      context: { limit: membersAtMost, inUse, wanted },
    },
  );
}

function membersIn({ bindings }: IamPolicy): number {
  return (bindings ?? []).reduce((sum, { members }) => sum + (members?.length ?? 0), 0);
}
