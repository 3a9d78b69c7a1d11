import { ArtifactRegistryError } from "../../../core/errors.ts";
import { account, type Grant, type GrantSet, grantSet, role, worker } from "./grant.ts";
import { isAccountId, isRegion, isRoleArn } from "./literals.ts";

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
