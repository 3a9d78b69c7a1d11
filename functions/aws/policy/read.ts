import { type GrantSet, grantSet } from "../grants/grant.ts";
import { type PolicyContext, type PolicyDocument, parsePolicy, type Statement, sidOf } from "./document.ts";
import { readStatement } from "./read-statement.ts";
import { writerOf } from "./sids.ts";
import { uniqueIdsOf } from "./unique-ids.ts";

/** What a repository policy says. */
export interface PolicyReading {
  readonly grants: GrantSet;
  /** Of these, the ones in statements of our own form. */
  readonly own: GrantSet;
  /** And the ones in statements of earlier tools, which we never wrote. */
  readonly adopted: GrantSet;
  /** Statements that others wrote or changed, in their order. */
  readonly foreign: readonly Statement[];
  /** Their Sids, where they have any. */
  readonly unmanaged: readonly string[];
  /** Principals that AWS turned into unique ids, in any statement: the next edit leaves them out. */
  readonly dropped: readonly string[];
}

const noDocument: PolicyDocument = { envelope: {}, statements: [] };

/**
 * Reads a repository policy.
 *
 * @param text as ECR answers it; undefined where ECR says that there is no policy
 * @throws UNEXPECTED_RESPONSE_FORMAT for what is not a policy
 */
export function readPolicy(text: string | undefined, context: PolicyContext): PolicyReading {
  return text === undefined ? readDocument(noDocument, context) : readDocument(parsePolicy(text), context);
}

export function readDocument({ statements }: PolicyDocument, context: PolicyContext): PolicyReading {
  const read = statements.map((statement) => ({ statement, grants: readStatement(statement, context) }));
  const foreign = read.flatMap(({ statement, grants }) => (grants === undefined ? [statement] : []));
  const grantsOf = (...writers: readonly string[]) =>
    grantSet(
      read.flatMap(({ statement, grants = [] }) => (writers.includes(writerOf(sidOf(statement)) ?? "") ? grants : [])),
    );
  return {
    grants: grantsOf("ours", "earlier"),
    own: grantsOf("ours"),
    adopted: grantsOf("earlier"),
    foreign,
    unmanaged: foreign.map(sidOf).filter((sid) => sid !== undefined),
    dropped: [...new Set(statements.flatMap((statement) => uniqueIdsOf(statement, "Principal")))],
  };
}
