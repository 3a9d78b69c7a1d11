import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { Environment } from "../../../core/platform.ts";
import type { PolicyLease } from "./lease.ts";

/**
 * What stops an edit where it would not be safe: on Lambda, where others edit at the same time, without a table.
 *
 * @throws BINDING_CONFIG_INVALID
 */
export function requireLeaseTable(leaseTable: string | undefined, env: Environment): void {
  if (leaseTable !== undefined || !env.AWS_LAMBDA_FUNCTION_NAME) return;
  throw new ArtifactRegistryError(
    "BINDING_CONFIG_INVALID",
    "The binding has no leaseTable, so access cannot be edited.",
    {
      hint: "Name a DynamoDB table with the partition key `repository` (S) as leaseTable: edits on Lambda need a lease.",
      context: { field: "leaseTable" },
    },
  );
}

/** A lease for bindings without a table: refuses every edit on Lambda, and lets them take turns elsewhere. */
export function leaseWithoutTable(lease: PolicyLease, env: Environment): PolicyLease {
  return {
    async edit(repository, plan, call, work) {
      requireLeaseTable(undefined, env);
      return lease.edit(repository, plan, call, work);
    },
  };
}
