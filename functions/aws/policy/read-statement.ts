import type { Grant } from "../grants/grant.ts";
import { accountActions, workerActions } from "./actions.ts";
import { type PolicyContext, type Statement, sidOf } from "./document.ts";
import { hasExactly, texts } from "./elements.ts";
import { isJsonObject } from "./json.ts";
import { principalGrants } from "./principals.ts";
import { writerOf } from "./sids.ts";
import { sourceArnGrants } from "./source-arn.ts";

// Earlier tools gave consumers these as well. They are not written back.
const earlierExtras = ["ecr:BatchCheckLayerAvailability", "ecr:GetRepositoryPolicy", "ecr:SetRepositoryPolicy"];

/**
 * Reads a statement as grants, if it bears a Sid of ours or of an earlier tool and means exactly those grants.
 *
 * @returns undefined for a foreign statement, and for one under such a Sid that says anything more, less or else
 */
export function readStatement(statement: Statement, context: PolicyContext): Grant[] | undefined {
  const writer = writerOf(sidOf(statement));
  const { Effect: effect, Principal: principal, Action: action, Condition: condition } = statement;
  if (writer === undefined || effect !== "Allow" || !isJsonObject(principal)) return undefined;

  if (hasExactly(statement, "Sid", "Effect", "Principal", "Action") && hasExactly(principal, "AWS")) {
    return grantsActions(action, accountActions, writer) ? principalGrants(principal.AWS, context) : undefined;
  }
  if (hasExactly(statement, "Sid", "Effect", "Principal", "Action", "Condition") && isLambda(principal)) {
    return grantsActions(action, workerActions, writer) ? sourceArnGrants(condition, context) : undefined;
  }
  return undefined;
}

function isLambda(principal: Statement): boolean {
  const services = texts(principal.Service);
  return hasExactly(principal, "Service") && (services?.every((name) => name === "lambda.amazonaws.com") ?? false);
}

/** Whether these are the actions of a grant: exactly those that we write, or for earlier tools at least a pull. */
function grantsActions(value: unknown, ourActions: readonly string[], writer: "ours" | "earlier"): boolean {
  // Actions are the same in upper and lower case.
  const actions = new Set(texts(value)?.map((action) => action.toLowerCase()));
  const needed = lowerCase(writer === "ours" ? ourActions : workerActions);
  const allowed = new Set(writer === "ours" ? needed : [...needed, ...lowerCase(earlierExtras)]);
  return needed.every((action) => actions.has(action)) && [...actions].every((action) => allowed.has(action));
}

function lowerCase(actions: readonly string[]): string[] {
  return actions.map((action) => action.toLowerCase());
}
