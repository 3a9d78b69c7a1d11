import { listOf, type PolicyDocument, parseDocument, type Statement } from "../identity/documents.ts";
import { documentProblem } from "../identity/oracle.ts";

const FIELDS = new Set(["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Condition"]);

/** The operators of conditions (IAM user guide, "IAM JSON policy elements: Condition operators"), in lower case. */
const OPERATORS = new RegExp(
  `^(?:foranyvalue:|forallvalues:)?(?:${[
    "string(?:not)?equals(?:ignorecase)?",
    "string(?:not)?like",
    "numeric(?:(?:not)?equals|lessthan(?:equals)?|greaterthan(?:equals)?)",
    "date(?:(?:not)?equals|lessthan(?:equals)?|greaterthan(?:equals)?)",
    "bool",
    "binaryequals",
    "(?:not)?ipaddress",
    "arn(?:not)?(?:equals|like)",
  ].join("|")})(?:ifexists)?$|^null$`,
);

/**
 * Reads a repository policy as far as ECR looks at it, before it looks for the principals. The library that evaluates
 * policies lets pass what the grammar of IAM's policy language does not have.
 *
 * @returns undefined for what ECR does not take
 */
export async function readRepositoryPolicy(text: string): Promise<PolicyDocument | undefined> {
  const document = parseDocument(text);
  if (document === undefined || !document.Statement.every(isSound)) return undefined;
  const sids = document.Statement.flatMap(({ Sid }) => (Sid === undefined ? [] : [Sid]));
  if (new Set(sids).size < sids.length) return undefined;
  return (await documentProblem("resource", document)) === undefined ? document : undefined;
}

function isSound(statement: Statement): boolean {
  if (Object.keys(statement).some((field) => !FIELDS.has(field))) return false;
  const { Principal, NotPrincipal, Action, NotAction, Condition = {} } = statement;
  const actions = [...listOf(Action), ...listOf(NotAction)];
  if (actions.length === 0 || !actions.every((action) => action === "*" || /^ecr:/i.test(action))) return false;
  if (actions.some((action) => /^ecr:getauthorizationtoken$/i.test(action))) return false;
  if (Principal === undefined && NotPrincipal === undefined) return false;
  return [Principal, NotPrincipal].every(isPrincipals) && Object.keys(Condition).every(isOperator);
}

/** Everybody, or a map of lists none of which is empty (IAM user guide, "Grammar of the IAM JSON policy language"). */
function isPrincipals(principals: Statement["Principal"]): boolean {
  if (principals === undefined || principals === "*") return true;
  if (typeof principals !== "object" || Object.keys(principals).length === 0) return false;
  return Object.entries(principals).every(([kind, value]) => {
    const names = listOf(value);
    return names.length > 0 && (kind !== "Service" || names.every(isService));
  });
}

/** As `lambda.amazonaws.com`; in some partitions and for some services with another domain. */
function isService(name: string): boolean {
  return /^[a-z0-9-]+(?:\.[a-z0-9-]+)*\.amazonaws\.com(?:\.cn)?$/.test(name);
}

function isOperator(name: string): boolean {
  return OPERATORS.test(name.toLowerCase());
}
