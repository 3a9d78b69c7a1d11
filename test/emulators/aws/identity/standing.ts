/** A principal, or an account with everything in it, and where it is not known: in one region, or everywhere. */
export interface Unknown {
  /** ARN of a role, a user, or an account's root; the id of an account means its root. */
  readonly principal?: string;
  /** The account as such: its root, and every role, user and session of it. */
  readonly accountId?: string;
  /** Default: everywhere. */
  readonly region?: string;
}

const EVERYWHERE = "*";

/**
 * Who is not known where, although a directory has them: accounts that were closed, accounts that have not enabled a region,
 * and roles that a region does not see yet. No policy that stands is changed by it.
 */
export class Standing {
  readonly #accounts = new Map<string, Set<string>>();
  readonly #principals = new Map<string, Set<string>>();

  lose({ principal, accountId, region = EVERYWHERE }: Unknown): void {
    if (accountId !== undefined) regionsOf(this.#accounts, accountId).add(region);
    if (principal !== undefined) regionsOf(this.#principals, named(principal)).add(region);
  }

  /** Takes back what was said of this principal or account; without a region, all of it. */
  regain({ principal, accountId, region }: Unknown): void {
    const forget = (unknown: Map<string, Set<string>>, name: string) => {
      if (region === undefined) unknown.delete(name);
      else unknown.get(name)?.delete(region);
    };
    if (accountId !== undefined) forget(this.#accounts, accountId);
    if (principal !== undefined) forget(this.#principals, named(principal));
  }

  /** Whether the account is closed, or has not enabled this region. Then nobody of it can do anything there. */
  isAbsent(accountId: string, region?: string): boolean {
    return isIn(this.#accounts.get(accountId), region);
  }

  /** Whether a policy of this region may name the principal: the id of an account, or an ARN. */
  isKnown(principal: string, region?: string): boolean {
    const name = named(principal);
    const accountId = /^\d{12}$/.test(name) ? name : (name.split(":")[4] ?? "");
    return !this.isAbsent(accountId, region) && !isIn(this.#principals.get(name), region);
  }
}

/** Root ARN and account id are one principal. */
function named(principal: string): string {
  return /^arn:[^:]+:iam::(\d{12}):root$/.exec(principal)?.[1] ?? principal;
}

function regionsOf(unknown: Map<string, Set<string>>, name: string): Set<string> {
  const regions = unknown.get(name) ?? new Set();
  unknown.set(name, regions);
  return regions;
}

function isIn(regions: ReadonlySet<string> | undefined, region: string | undefined): boolean {
  return regions !== undefined && (regions.has(EVERYWHERE) || (region !== undefined && regions.has(region)));
}
