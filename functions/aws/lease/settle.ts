/** What an edit that did not finish may have done: `+` or `-`, then a grant, or the beginning of some and `*`. */
export type Intent = string;

export interface Settled {
  readonly grants: readonly string[];
  /** Whether a revocation that did not finish turned out to have taken effect. */
  readonly revoked: boolean;
}

/**
 * The grants that hold, from what is recorded, what the document says, and what edits that crashed had set out to do.
 *
 * Where nobody crashed the record decides, and so repairs a document that fell behind. A grant that a crashed edit was
 * to add holds if the document has it, and one that a crashed edit was to remove holds no more if the document lacks
 * it: what took effect stays, what did not was never acknowledged. Neither can bring back what another edit revoked,
 * nor lose what another edit granted.
 *
 * @param recorded absent where nothing was ever recorded: the document decides everything
 * @param own grants in the document's statements of our form
 * @param adopted grants in statements of earlier tools: we never wrote those, so they are no late write of ours
 */
export function settle(
  recorded: readonly string[] | undefined,
  unfinished: readonly Intent[],
  own: ReadonlySet<string>,
  adopted: ReadonlySet<string> = new Set(),
): Settled {
  if (!recorded) return { grants: inOrder([...own, ...adopted]), revoked: false };
  const before = new Set(recorded);
  const grants = new Set<string>(adopted);
  let revoked = false;
  for (const grant of new Set([...before, ...own])) {
    const inDocument = own.has(grant);
    if (inDocument === before.has(grant) || !intended(unfinished, inDocument ? "+" : "-", grant)) {
      if (before.has(grant)) grants.add(grant);
    } else if (inDocument) {
      grants.add(grant);
    } else {
      revoked = true;
    }
  }
  return { grants: inOrder(grants), revoked };
}

/** In one order, each once: two equal sets are written alike. */
export function inOrder(grants: Iterable<string>): readonly string[] {
  return [...new Set(grants)].sort();
}

function intended(intents: readonly Intent[], sign: "+" | "-", grant: string): boolean {
  return intents.some((intent) => intent.startsWith(sign) && covers(intent.slice(1), grant));
}

function covers(pattern: string, grant: string): boolean {
  return pattern.endsWith("*") ? grant.startsWith(pattern.slice(0, -1)) : grant === pattern;
}
