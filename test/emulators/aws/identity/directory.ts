import { randomBytes, randomInt } from "node:crypto";
import { type Account, type Delay, isHidden, type Role, type User } from "./account.ts";
import type { BoundDocument } from "./bound-principals.ts";
import type { Principal } from "./principal.ts";
import { Standing } from "./standing.ts";

export interface AccessKey {
  readonly id: string;
  readonly secret: string;
  readonly sessionToken?: string;
  readonly principal: Principal;
}

/** How long what IAM was told stays unseen by other services: for so many looks, or milliseconds. */
export interface RoleDelay {
  readonly looks?: number;
  readonly ms?: number;
}

/** What is seen late: IAM is eventually consistent (IAM user guide, "Changes that I make are not always immediately visible"). */
export interface Delays {
  /** A role that CreateRole made. */
  readonly role?: RoleDelay;
  /** An inline policy that PutRolePolicy set: until then what was before counts. */
  readonly policy?: RoleDelay;
  /** A role that CreateRole made, as a principal of a repository's policy. Default: as for `role`. */
  readonly principal?: RoleDelay;
}

const ADMINISTRATOR = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }],
});

/** Everybody who exists: accounts with their users and roles, and the keys by which they sign. */
export class Directory {
  readonly partition: string;
  readonly accounts = new Map<string, Account>();
  readonly keys = new Map<string, AccessKey>();
  readonly standing = new Standing();
  readonly #clock: () => Date;
  readonly #delays: Delays;

  constructor(partition: string, clock: () => Date, delays: Delays) {
    this.partition = partition;
    this.#clock = clock;
    this.#delays = delays;
  }

  account(id: string): Account {
    if (!/^\d{12}$/.test(id)) throw new Error(`An account id has 12 digits: ${id}`);
    const account = this.accounts.get(id) ?? { id, users: new Map(), roles: new Map(), managed: new Map() };
    this.accounts.set(id, account);
    return account;
  }

  addUser(accountId: string, name: string): User {
    const user = { ...this.#identity(accountId, name, "/", "user"), kind: "user" as const };
    this.account(accountId).users.set(name, user);
    return user;
  }

  /** @param delayed whether other services see it late, as a role that was created through the API */
  addRole(accountId: string, name: string, trust: BoundDocument, { path = "/", delayed = false } = {}): Role {
    const { role: late = {}, principal } = this.#delays;
    const role: Role = {
      ...this.#identity(accountId, name, path, "role"),
      kind: "role",
      trust,
      maxSessionDuration: 3600,
      description: undefined,
      hiddenLooks: delayed ? (late.looks ?? 0) : 0,
      hiddenUntil: delayed ? this.now() + (late.ms ?? 0) : 0,
      unnamed: delayed && principal ? this.#delay(principal) : undefined,
      before: new Map(),
    };
    this.account(accountId).roles.set(name, role);
    return role;
  }

  /** The identity of this ARN that exists now. */
  find(arn: string): User | Role | undefined {
    const [, account, kind, path] = /^arn:[^:]+:iam::(\d{12}):(user|role)\/(.+)$/.exec(arn) ?? [];
    if (account === undefined || path === undefined) return undefined;
    const name = path.slice(path.lastIndexOf("/") + 1);
    const { users, roles } = this.accounts.get(account) ?? {};
    const found = kind === "user" ? users?.get(name) : roles?.get(name);
    return found?.arn === arn ? found : undefined;
  }

  /** As other services look: a role that is new may not be seen yet. Each look brings that nearer. */
  look(arn: string): User | Role | undefined {
    const found = this.find(arn);
    if (found?.kind !== "role") return found;
    if (found.hiddenLooks > 0) {
      found.hiddenLooks--;
      return undefined;
    }
    return this.now() < found.hiddenUntil ? undefined : found;
  }

  /** The same, as services look that check the principals of a policy. */
  lookForPrincipal(arn: string): User | Role | undefined {
    const found = this.find(arn);
    if (found?.kind !== "role" || found.unnamed === undefined) return this.look(arn);
    return isHidden(found.unnamed, this.now()) ? undefined : found;
  }

  /** Sets an inline policy through the API: it counts after a while. */
  putPolicy(role: Role, name: string, text: string): void {
    const { policy } = this.#delays;
    if (policy !== undefined) role.before.set(name, { text: role.policies.get(name), delay: this.#delay(policy) });
    role.policies.set(name, text);
  }

  now(): number {
    return this.#clock().getTime();
  }

  #delay({ looks = 0, ms = 0 }: RoleDelay): Delay {
    return { looks, until: this.now() + ms };
  }

  /** The text of a managed policy, of this account or of AWS itself. */
  managedPolicy(arn: string): string | undefined {
    if (arn === `arn:${this.partition}:iam::aws:policy/AdministratorAccess`) return ADMINISTRATOR;
    return this.accounts.get(arn.split(":")[4] ?? "")?.managed.get(arn);
  }

  /** Keys that nobody could take for real ones. With `session`, temporary ones. */
  issueKey(principal: Principal, { session }: { session: boolean }): AccessKey {
    const key: AccessKey = {
      id: `EMULATORKEY${String(this.keys.size + 1).padStart(6, "0")}`,
      secret: randomBytes(20).toString("hex"),
      principal,
      ...(session ? { sessionToken: `emulator-session-${randomBytes(24).toString("hex")}` } : {}),
    };
    this.keys.set(key.id, key);
    return key;
  }

  #identity(account: string, name: string, path: string, kind: "user" | "role") {
    return {
      account,
      name,
      path,
      arn: `arn:${this.partition}:iam::${account}:${kind}${path}${name}`,
      id: uniqueId(kind === "user" ? "AIDA" : "AROA"),
      createdAt: this.#clock(),
      policies: new Map<string, string>(),
      attached: new Set<string>(),
      tags: new Map<string, string>(),
      boundary: undefined,
      deleted: false,
    };
  }
}

function uniqueId(prefix: string): string {
  return prefix + Array.from({ length: 17 }, () => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[randomInt(32)]).join("");
}
