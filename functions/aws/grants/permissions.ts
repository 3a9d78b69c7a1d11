import type { AwsAccess } from "../../../core/schemas.ts";
import type { GrantSet } from "./grant.ts";
import { byCodeUnit } from "./order.ts";
import { regionSets } from "./region-sets.ts";

/** What `getCrossAccountAccess` says of a set. */
export interface AwsPermissions {
  /**
   * The union in the documented shape. It says less than `grants`: who may pull from which region is lost, and one
   * account with workers in any region makes `regions` empty, which means any.
   */
  readonly access: AwsAccess;
  /** Values that, added one by one to nothing, give the set. */
  readonly grants: AwsAccess[];
}

/**
 * Describes a set: accounts with the same regions share a value, and roles stand apart, except where one value can say
 * everything. So what was added by one call comes back as that one value.
 *
 * A worker without its account cannot be added, but an earlier tool's policy may hold one. The documented shape has no
 * word for it: the value then names the account too. Reading such a policy changes nothing, and an edit writes exactly
 * what was read.
 */
export function toPermissions({ accounts, roles, workers }: GrantSet): AwsPermissions {
  const working = new Set(workers.map(({ accountId }) => accountId));
  const plain = accounts.filter((accountId) => !working.has(accountId));
  const values = [
    ...(plain.length > 0 ? [value({ accountIds: plain })] : []),
    ...regionSets(workers).map(({ regions, accountIds }) =>
      value({ accountIds: [...accountIds], regions: regions === "any" ? [] : [...regions], worker: true }),
    ),
  ];
  const [only] = values;
  const grants =
    roles.length === 0
      ? values
      : only !== undefined && values.length === 1
        ? [{ ...only, roleArns: [...roles] }]
        : [...values, value({ roleArns: [...roles] })];

  const anywhere = workers.some(({ regions }) => regions === "any");
  const access = value({
    accountIds: [...new Set([...accounts, ...working])].sort(byCodeUnit),
    regions: anywhere ? [] : [...new Set(workers.flatMap(({ regions }) => regions))].sort(byCodeUnit),
    roleArns: [...roles],
    worker: workers.length > 0,
  });
  return { access, grants };
}

interface Parts {
  readonly accountIds?: string[];
  readonly regions?: string[];
  readonly roleArns?: string[];
  readonly worker?: boolean;
}

function value({ accountIds = [], regions = [], roleArns = [], worker = false }: Parts): AwsAccess {
  return { type: "aws", accountIds, regions, roleArns, allowedServiceTypes: worker ? ["worker"] : [] };
}
