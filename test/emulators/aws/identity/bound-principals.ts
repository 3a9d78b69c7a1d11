import type { Directory } from "./directory.ts";
import { listOf, type PolicyDocument, type Statement } from "./documents.ts";

/**
 * A stored document with principals. AWS keeps an identity's unique id, not its ARN: when the identity is gone, or is
 * made anew under the same name, what was stored no longer means it.
 */
export interface BoundDocument {
  readonly document: PolicyDocument;
  /** Unique ids by the ARN that was written. */
  readonly ids: ReadonlyMap<string, string>;
}

/**
 * @param region of the resource whose policy it is; a region may not know everybody. IAM's own policies have none
 * @throws PrincipalNotFound
 */
export function bindPrincipals(directory: Directory, document: PolicyDocument, region?: string): BoundDocument {
  const ids = new Map<string, string>();
  const bind = (principal: string): string => {
    if (principal === "*") return principal;
    const root = rootArn(directory, principal);
    const arn = root ?? roleOfSession(principal) ?? principal;
    if (!directory.standing.isKnown(arn, region)) throw new PrincipalNotFound(principal);
    if (root !== undefined) return root;
    const found = directory.lookForPrincipal(arn);
    if (found === undefined) throw new PrincipalNotFound(principal);
    ids.set(arn, found.id);
    return principal;
  };
  return { document: mapPrincipals(document, bind), ids };
}

/** The document as it is read back: an identity that is gone shows as its unique id. */
export function readPrincipals(directory: Directory, { document, ids }: BoundDocument): PolicyDocument {
  return mapPrincipals(document, (principal) => {
    const arn = roleOfSession(principal) ?? principal;
    const id = ids.get(arn);
    return id === undefined || directory.find(arn)?.id === id ? principal : id;
  });
}

export class PrincipalNotFound extends Error {
  readonly principal: string;

  constructor(principal: string) {
    super(`Principal not found: ${principal}`);
    this.principal = principal;
  }
}

function rootArn(directory: Directory, principal: string): string | undefined {
  const [, account] = /^(?:arn:[^:]+:iam::(?=\d{12}:root$))?(\d{12})(?::root)?$/.exec(principal) ?? [];
  if (account === undefined) return undefined;
  const arn = `arn:${directory.partition}:iam::${account}:root`;
  if (!directory.accounts.has(account) || (principal !== account && principal !== arn)) {
    throw new PrincipalNotFound(principal);
  }
  return arn;
}

function roleOfSession(principal: string): string | undefined {
  const [, partition, account, role] = /^arn:([^:]+):sts::(\d{12}):assumed-role\/([^/]+)\/[^/]+$/.exec(principal) ?? [];
  return role === undefined ? undefined : `arn:${partition}:iam::${account}:role/${role}`;
}

function mapPrincipals(document: PolicyDocument, map: (principal: string) => string): PolicyDocument {
  const entries = (value: Statement["NotPrincipal"]) =>
    Object.fromEntries(
      Object.entries(value ?? {}).map(([kind, names]) => {
        const mapped = kind === "AWS" ? listOf(names).map(map) : listOf(names);
        const [first] = mapped;
        return [kind, mapped.length === 1 && first !== undefined ? first : mapped];
      }),
    );
  const Statement = document.Statement.map((statement) => ({
    ...statement,
    ...(typeof statement.Principal === "object" ? { Principal: entries(statement.Principal) } : {}),
    ...(statement.NotPrincipal === undefined ? {} : { NotPrincipal: entries(statement.NotPrincipal) }),
  }));
  return { ...document, Statement };
}
