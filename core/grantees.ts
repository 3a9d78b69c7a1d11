import type { Grantee } from "./operation.ts";
import type { CrossAccountAccess } from "./schemas.ts";

/**
 * Whom a cross-account access would let in, as access rules name them: `aws:{account}`, `aws:{role ARN}`,
 * `gcp:{project number}`, `gcp:{e-mail}`. A role may be covered by a rule for its whole account.
 */
export function granteesOf(access: CrossAccountAccess): Grantee[] {
  switch (access.type) {
    case "aws":
      return [
        ...access.accountIds.map((id): Grantee => [`aws:${id}`]),
        ...access.roleArns.map((arn): Grantee => [`aws:${arn}`, `aws:${arn.split(":")[4]}`]),
      ];
    case "gcp":
      return [
        ...access.projectNumbers.map((number): Grantee => [`gcp:${number}`]),
        ...access.serviceAccountEmails.map((email): Grantee => [`gcp:${email}`]),
      ];
  }
}
