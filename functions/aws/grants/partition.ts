import { invalidInput } from "../../../core/errors.ts";
import { isRoleArn } from "./literals.ts";

/**
 * Refuses roles of another partition: no grant reaches across partitions, and ECR refuses a policy that names one.
 *
 * @throws INVALID_INPUT naming the role
 */
export function refuseOtherPartitions(roleArns: readonly string[], partition: string): void {
  for (const [index, roleArn] of roleArns.entries()) {
    if (isRoleArn(roleArn, partition)) continue;
    throw invalidInput(
      `${roleArn} is not a role of this registry's partition.`,
      `access.roleArns.${index}`,
      `Pass roles as arn:${partition}:iam::{account}:role/{name}.`,
    );
  }
}
