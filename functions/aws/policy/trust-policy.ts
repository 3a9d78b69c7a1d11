import { invalidInput } from "../../../core/errors.ts";
import { isRoleArn } from "../grants/literals.ts";
import { byCodeUnit } from "../grants/order.ts";

export interface TrustScope {
  readonly partition: string;
  /** Account of the registry, 12 digits. */
  readonly account: string;
  /** Execution roles of the functions that mint: one per door that does. */
  readonly functionRoleArns: readonly string[];
}

/**
 * Who may assume the pull and push roles: the functions' own roles. They stand in a condition, beside the account as
 * principal: a role under `Principal` must exist already, and turns into a dead unique id when it is deleted and made
 * again. The functions' roles need `sts:AssumeRole` in their own policies as well.
 *
 * @throws INVALID_INPUT for no role, or for one that is not a literal role of this account
 */
export function trustPolicy({ partition, account, functionRoleArns }: TrustScope): string {
  const own = functionRoleArns.every((arn) => isRoleArn(arn, partition) && arn.split(":")[4] === account);
  if (!own || functionRoleArns.length === 0) {
    throw invalidInput(
      "The pull and push roles can be trusted to roles of the registry's own account only.",
      "functionRoleArns",
      `Pass arn:${partition}:iam::${account}:role/{name} of each function that mints credentials.`,
    );
  }
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      {
        Sid: "FunctionsOfThisRegistry",
        Effect: "Allow",
        Principal: { AWS: `arn:${partition}:iam::${account}:root` },
        Action: "sts:AssumeRole",
        Condition: { ArnEquals: { "aws:PrincipalArn": [...new Set(functionRoleArns)].sort(byCodeUnit) } },
      },
    ],
  });
}
