import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { AwsAccess } from "../../../core/schemas.ts";
import {
  account,
  byCodeUnit,
  type Grant,
  type GrantSet,
  grantSet,
  isAccountId,
  isRegion,
  isRoleArn,
  regionSets,
  role,
  worker,
} from "./grant.ts";

/**
 * A set as a list of strings, for a database item: `account:{id}`, `role:{arn}`, and one `worker:{id}:{regions}` per
 * account (`any`, or regions joined by commas), so that 120 accounts in ten regions stay under 20 KiB.
 */
export function serialiseGrants({ accounts, roles, workers }: GrantSet): string[] {
  return [
    ...accounts.map((accountId) => `account:${accountId}`),
    ...roles.map((roleArn) => `role:${roleArn}`),
    ...workers.map(({ accountId, regions }) => `worker:${accountId}:${regions === "any" ? "any" : regions.join(",")}`),
  ];
}

/** @throws UNEXPECTED_RESPONSE_FORMAT for a string that `serialiseGrants` does not write: it may stand for access */
export function parseGrants(lines: readonly string[]): GrantSet {
  return grantSet(lines.flatMap(parseLine));
}

function parseLine(line: string): Grant[] {
  const colon = line.indexOf(":");
  const rest = line.slice(colon + 1);
  switch (line.slice(0, Math.max(colon, 0))) {
    case "account":
      if (isAccountId(rest)) return [account(rest)];
      break;
    case "role":
      if (isRoleArn(rest)) return [role(rest)];
      break;
    case "worker": {
      const [accountId = "", list = "", ...more] = rest.split(":");
      const regions = list.split(",");
      if (isAccountId(accountId) && more.length === 0 && (list === "any" || regions.every(isRegion))) {
        return regions.map((region) => worker(accountId, region));
      }
    }
  }
  throw new ArtifactRegistryError("UNEXPECTED_RESPONSE_FORMAT", "The stored grants cannot be read.", {
    hint: "The item was written by a newer version, or by hand. Nothing was changed.",
  });
}

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
