import { type Grant, type Regions, worker } from "../grants/grant.ts";
import { isAccountId, isRegion } from "../grants/literals.ts";
import type { RegionSet } from "../grants/region-sets.ts";
import type { PolicyContext } from "./document.ts";
import { conditionsOn } from "./elements.ts";
import type { JsonObject } from "./json.ts";

const key = "aws:SourceArn";

/**
 * The condition under which Lambda acts for functions of these accounts in these regions. Two operators on one key are
 * ANDed: accounts under one and regions under the other bound accounts × regions without writing the product out.
 */
export function sourceArnCondition({ accountIds, regions }: RegionSet, { partition }: PolicyContext): JsonObject {
  return {
    ArnLike: { [key]: accountIds.map((accountId) => `arn:${partition}:lambda:*:${accountId}:function:*`) },
    ...(regions !== "any" && {
      StringLike: { [key]: regions.map((region) => `arn:${partition}:lambda:${region}:*`) },
    }),
  };
}

/**
 * Reads our condition back, and that of earlier tools: one operator on function ARNs, with literal regions or `*`.
 *
 * @returns undefined if it means anything else
 */
export function sourceArnGrants(condition: unknown, context: PolicyContext): Grant[] | undefined {
  const bounds = boundsIn(conditionsOn(key, condition) ?? new Map(), context);
  if (bounds === undefined) return undefined;
  const { functions, regions } = bounds;
  const grants: Grant[] = [];
  for (const pattern of functions) {
    const own = functionsOf(pattern, context);
    if (own === undefined || (regions !== "any" && own.region !== "any")) return undefined;
    for (const region of regions === "any" ? [own.region] : regions) grants.push(worker(own.accountId, region));
  }
  return grants;
}

/** The patterns of functions, and the regions of a second operator where there is one. */
function boundsIn(
  operators: ReadonlyMap<string, readonly string[]>,
  context: PolicyContext,
): { functions: readonly string[]; regions: Regions } | undefined {
  const arns = operators.get("arnlike");
  const strings = operators.get("stringlike");
  if (operators.size === 1) {
    // ArnEquals behaves as ArnLike does.
    const functions = arns ?? strings ?? operators.get("arnequals");
    return functions && { functions, regions: "any" };
  }
  if (operators.size !== 2 || arns === undefined || strings === undefined) return undefined;
  const regions = strings.map((pattern) => regionOf(pattern, context)).filter((region) => region !== undefined);
  return regions.length === strings.length ? { functions: arns, regions } : undefined;
}

function functionsOf(pattern: string, { partition }: PolicyContext) {
  const [region = "", accountId = ""] = pattern.split(":").slice(3);
  if (pattern !== `arn:${partition}:lambda:${region}:${accountId}:function:*` || !isAccountId(accountId)) return;
  if (region === "*") return { accountId, region: "any" };
  return isRegion(region) ? { accountId, region } : undefined;
}

function regionOf(pattern: string, { partition }: PolicyContext): string | undefined {
  const region = pattern.split(":")[3] ?? "";
  return pattern === `arn:${partition}:lambda:${region}:*` && isRegion(region) ? region : undefined;
}
