import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { GrantSet } from "../grants/grant.ts";
import { refuseOtherPartitions } from "../grants/partition.ts";
import { type PolicyContext, type PolicyDocument, parsePolicy, type Statement } from "./document.ts";
import { readStatement } from "./read-statement.ts";
import { statementsFor } from "./statements.ts";
import { withoutUniqueIds } from "./unique-ids.ts";

/** Amazon ECR, SetRepositoryPolicy: characters of `policyText`. */
export const policyLimit = 10_240;

const ownEnvelope = { Version: "2012-10-17" };

/**
 * The policy that holds exactly these grants, beside what others wrote: foreign statements first, unchanged and in their
 * order, then ours. The text depends on the grants and on what is foreign, and on nothing else. The one thing dropped
 * from foreign statements are principals that AWS turned into unique ids.
 *
 * @param previous the policy that stands, as ECR answers it; undefined where there is none
 * @returns the new text, or undefined when no statement is left: the policy is to be deleted
 * @throws UNEXPECTED_RESPONSE_FORMAT if the previous text is not a policy; RESOURCE_CONFLICT for a unique id under
 * `NotPrincipal`; INVALID_INPUT for a role of another partition; QUOTA_EXCEEDED above 10,240 characters
 */
export function writePolicy(
  previous: string | undefined,
  grants: GrantSet,
  context: PolicyContext,
): string | undefined {
  refuseOtherPartitions(grants.roles, context.partition);
  const document = previous === undefined ? { envelope: ownEnvelope, statements: [] } : parsePolicy(previous);
  const foreign = foreignIn(document, context);
  const ours = statementsFor(grants, foreign, context);
  if (foreign.length + ours.length === 0) return undefined;

  const envelope = isOurs(document, foreign) ? ownEnvelope : document.envelope;
  const text = JSON.stringify({ ...envelope, Statement: [...foreign, ...ours] });
  if (text.length > policyLimit) throw tooLong(text.length, grants, foreign);
  return text;
}

function foreignIn({ statements }: PolicyDocument, context: PolicyContext): Statement[] {
  return statements
    .map((statement, index) =>
      readStatement(statement, context) === undefined ? withoutUniqueIds(statement, index + 1) : undefined,
    )
    .filter((statement) => statement !== undefined);
}

/** Without anything of others in it, the document is ours as a whole, and its version too. */
function isOurs({ envelope }: PolicyDocument, foreign: readonly Statement[]): boolean {
  return foreign.length === 0 && Object.keys(envelope).every((member) => ["Version", "Statement"].includes(member));
}

function tooLong(characters: number, grants: GrantSet, foreign: readonly Statement[]): ArtifactRegistryError {
  const { accounts, roles, workers } = grants;
  return new ArtifactRegistryError(
    "QUOTA_EXCEEDED",
    `The repository's policy would have ${characters} characters; Amazon ECR allows ${policyLimit}. Nothing was changed.`,
    {
      hint: "Give consumers the same regions, or any region (leave regions empty), or take away whole accounts: each set of regions is a statement of its own.",
      context: {
        limit: policyLimit,
        characters,
        accounts: accounts.length,
        roles: roles.length,
        workerAccounts: workers.length,
        foreignCharacters: JSON.stringify(foreign).length,
      },
    },
  );
}
