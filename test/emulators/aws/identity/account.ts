import type { BoundDocument } from "./bound-principals.ts";

interface Identity {
  readonly kind: "user" | "role";
  readonly account: string;
  readonly name: string;
  readonly arn: string;
  /** `AIDA…` or `AROA…`: never used twice. */
  readonly id: string;
  readonly path: string;
  readonly createdAt: Date;
  /** Inline policies by name; texts. */
  readonly policies: Map<string, string>;
  /** ARNs of managed policies. */
  readonly attached: Set<string>;
  readonly tags: Map<string, string>;
  boundary: string | undefined;
  deleted: boolean;
}

export interface User extends Identity {
  readonly kind: "user";
}

export interface Role extends Identity {
  readonly kind: "role";
  trust: BoundDocument;
  maxSessionDuration: number;
  description: string | undefined;
  /** As in reality, a role is not seen by other services at once: how many looks, and until when. */
  hiddenLooks: number;
  readonly hiddenUntil: number;
}

/** One AWS account's identities. */
export interface Account {
  readonly id: string;
  readonly users: Map<string, User>;
  readonly roles: Map<string, Role>;
  /** Managed policies: texts by ARN. */
  readonly managed: Map<string, string>;
}
