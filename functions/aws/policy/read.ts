import type { DocumentGrants } from "../grants/changes.ts";
import { type Grant, isAccountId, isRegion, isRoleArn, type Regions } from "../grants/grant.ts";
import {
  isUniqueId,
  type Operators,
  type PlainStatement,
  type PolicyDocument,
  parsePolicy,
  plainOf,
  type Statement,
} from "./document.ts";

/** What a policy depends on, beside the grants. */
export interface PolicyContext {
  /** As in ARNs: `aws`, `aws-cn`, `aws-us-gov`. */
  readonly partition: string;
}

/** A repository's policy, read once: what it grants, and what others wrote. */
export interface Policy extends DocumentGrants {
  /** Absent where there is no policy. */
  readonly document?: PolicyDocument;
  /** Statements that others wrote or changed, in their order. */
  readonly foreign: readonly Statement[];
  /** Principals that AWS turned into unique ids, in any statement: the next edit leaves them out. */
  readonly dropped: readonly string[];
}

/** The Sids of our statements. A number follows where there is more than one, or where the name is taken. */
export const ourSids = {
  accounts: "ArtifactRegistryAccounts",
  roles: "ArtifactRegistryRoles",
  workers: "ArtifactRegistryWorkers",
} as const;

/**
 * What consumers in other accounts may do (Amazon ECR user guide, "Private repository policy examples"): pull, and nothing
 * else. Never `SetRepositoryPolicy`: whoever holds it can rewrite the policy.
 */
export const accountActions = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];

/** What Lambda may do for a consumer's function (Lambda developer guide, "Amazon ECR cross-account permissions"). */
export const workerActions = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];

/** The condition key that says for which function Lambda acts. */
export const sourceArn = "aws:SourceArn";

const ours = new RegExp(`^(?:${Object.values(ourSids).join("|")})(?:[2-9]|[1-9][0-9]+)?$`);

const earlierTools: ReadonlySet<string> = new Set([
  "CrossAccountRolePermission",
  "LambdaECRImageCrossAccountRetrievalPolicy",
  "LambdaServiceAccess",
]);

// Earlier tools gave consumers these actions as well. We do not write them back.
const earlierExtras = ["ecr:BatchCheckLayerAvailability", "ecr:GetRepositoryPolicy", "ecr:SetRepositoryPolicy"];

/** Who may have written a statement under a Sid: we, or one of the tools before us. */
type Writer = "ours" | "earlier";

/**
 * Reads a repository policy.
 *
 * @param text as ECR answers it; undefined where ECR says that there is no policy
 * @throws UNEXPECTED_RESPONSE_FORMAT for what is not a policy
 */
export function readPolicy(text: string | undefined, context: PolicyContext): Policy {
  if (text === undefined) return { own: [], adopted: [], foreign: [], dropped: [] };
  const document = parsePolicy(text);
  const [own, adopted, foreign]: [Grant[], Grant[], Statement[]] = [[], [], []];
  for (const statement of document.statements) {
    const plain = plainOf(statement);
    const writer = writerOf(plain?.sid);
    const grants = plain && writer && readStatement(plain, writer, context);
    if (grants === undefined) foreign.push(statement);
    else (writer === "ours" ? own : adopted).push(...grants);
  }
  return { document, own, adopted, foreign, dropped: document.dropped };
}

function writerOf(sid: string | undefined): Writer | undefined {
  if (sid === undefined) return undefined;
  if (ours.test(sid)) return "ours";
  return earlierTools.has(sid) ? "earlier" : undefined;
}

/**
 * Reads a statement as grants, if it means exactly those.
 *
 * @returns undefined for one that says anything more, less or else
 */
function readStatement(
  { principalType, principals, actions, condition }: PlainStatement,
  writer: Writer,
  context: PolicyContext,
): Grant[] | undefined {
  if (principalType === "AWS" && condition === undefined) {
    return grantsActions(actions, accountActions, writer) ? principalGrants(principals, context) : undefined;
  }
  const isLambda = principalType === "Service" && principals.every((name) => name === "lambda.amazonaws.com");
  if (!isLambda || condition?.key !== sourceArn.toLowerCase()) return undefined;
  return grantsActions(actions, workerActions, writer) ? sourceArnGrants(condition.operators, context) : undefined;
}

/** Whether these are the actions of a grant: exactly those that we write, or for earlier tools at least a pull. */
function grantsActions(actions: ReadonlySet<string>, ourActions: readonly string[], writer: Writer): boolean {
  const needed = lowerCase(writer === "ours" ? ourActions : workerActions);
  const allowed = new Set(writer === "ours" ? needed : [...needed, ...lowerCase(earlierExtras)]);
  return needed.every((action) => actions.has(action)) && [...actions].every((action) => allowed.has(action));
}

function lowerCase(actions: readonly string[]): string[] {
  return actions.map((action) => action.toLowerCase());
}

/**
 * Reads `AWS` principals as accounts and roles. AWS stores an account as its root ARN; a bare account id means the same.
 * Unique ids are no grants: nobody is behind them.
 *
 * @returns undefined if any principal is something else (a user, a session, `*`, another partition)
 */
function principalGrants(principals: readonly string[], { partition }: PolicyContext): Grant[] | undefined {
  const root = new RegExp(`^arn:${partition}:iam::(\\d+):root$`);
  const grants: Grant[] = [];
  for (const principal of principals) {
    const accountId = root.exec(principal)?.[1] ?? principal;
    if (isAccountId(accountId)) grants.push({ kind: "account", accountId });
    else if (isRoleArn(principal, partition)) grants.push({ kind: "role", roleArn: principal });
    else if (!isUniqueId(principal)) return undefined;
  }
  return grants;
}

/**
 * Reads our condition on functions back, and that of earlier tools: one operator on function ARNs, with literal regions
 * or `*`.
 *
 * @returns undefined if it means anything else
 */
function sourceArnGrants(operators: Operators, context: PolicyContext): Grant[] | undefined {
  const bounds = boundsIn(operators, context);
  if (bounds === undefined) return undefined;
  const { functions, regions } = bounds;
  const grants: Grant[] = [];
  for (const pattern of functions) {
    const own = functionsOf(pattern, context);
    if (own === undefined || (regions !== "any" && own.region !== "any")) return undefined;
    const { accountId } = own;
    for (const region of regions === "any" ? [own.region] : regions) grants.push({ kind: "worker", accountId, region });
  }
  return grants;
}

/** The patterns of functions, and the regions of a second operator where there is one. */
function boundsIn(
  operators: Operators,
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
