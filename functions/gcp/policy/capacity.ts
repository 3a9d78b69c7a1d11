import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { IamPolicy } from "./document.ts";

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
