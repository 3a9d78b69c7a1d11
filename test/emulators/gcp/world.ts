import type { Faults } from "../faults.ts";
import type { Repository } from "./artifact-registry/repository.ts";
import type { CallRecord, GcpFault, Service } from "./call.ts";
import type { DataPlane } from "./data-plane/data-plane.ts";
import type { Policy } from "./iam/policy.ts";
import { Roles } from "./iam/roles.ts";
import { Tags } from "./iam/tags.ts";
import { Directory, type ServiceAccount } from "./identity/directory.ts";
import { IdTokens } from "./identity/id-tokens.ts";
import { Tokens } from "./identity/tokens.ts";

/** How IAM answers about an account: as it is, as if there were none (404), or as if nobody might look (403). */
export type AccountSight = "seen" | "missing" | "denied";

/** What an emulator may be told to be like. May be changed at any time. */
export interface Behaviour {
  /** How long a long-running operation takes. Default 10. */
  operationMs: number;
  /** By how much the clock of IAM Credentials differs from the caller's: lifetimes must stay so far below the maximum. */
  clockSkewSeconds: number;
  /** E-mails whose tokens may live for 12 hours, by an organisation's policy. */
  longLived: readonly string[];
  /** `_catalog` is empty for everybody who has a token, as others have seen it; else there is no such path. */
  emptyCatalog: boolean;
  /**
   * What IAM answers about an account that was made over the API: it is told which look at this account it is, from 1.
   * For some time Google answers 404 and 403, in any order (GoogleCloudPlatform/magic-modules#8815, #11811, #14447).
   */
  newAccounts: (look: { readonly email: string; readonly action: string; readonly nth: number }) => AccountSight;
}

/** A message that was published. */
export interface Published {
  readonly topic: string;
  readonly messageId: string;
  readonly data: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** Everything that the emulator knows. */
export class World {
  readonly directory: Directory;
  readonly tokens: Tokens;
  readonly idTokens: IdTokens;
  readonly roles = new Roles();
  readonly tags = new Tags();
  readonly faults: Faults<GcpFault, CallRecord>;
  readonly behaviour: Behaviour;
  readonly clock: () => Date;
  readonly calls: CallRecord[] = [];
  readonly repositories = new Map<string, Repository>();
  readonly topics = new Map<string, { policy: Policy }>();
  readonly published: Published[] = [];
  /** What each long-running operation is about, by its name. */
  readonly operationTargets = new Map<string, string>();
  /** While rights are held back: what counts of each policy that was written meanwhile. */
  #inEffect: Map<object, Policy> | undefined;
  readonly #looks = new Map<string, number>();
  /** Set by the emulator, which owns the sockets. */
  dataPlane: DataPlane | undefined;

  constructor(options: {
    clock: () => Date;
    faults: Faults<GcpFault, CallRecord>;
    behaviour: Behaviour;
    accountDelayMs: number;
  }) {
    this.clock = options.clock;
    this.faults = options.faults;
    this.behaviour = options.behaviour;
    this.directory = new Directory(options.clock, options.accountDelayMs);
    this.tokens = new Tokens(this.directory, options.clock);
    this.idTokens = new IdTokens(options.clock);
  }

  /** Notes a call that has arrived. */
  record(service: Service, action: string, input: Readonly<Record<string, unknown>>): CallRecord {
    const record: CallRecord = { number: this.calls.length + 1, service, action, authorizations: [], input };
    this.calls.push(record);
    return record;
  }

  /** One look at an account, by whatever call. */
  look({ email, isNew }: Pick<ServiceAccount, "email" | "isNew">, action: string): AccountSight {
    if (!isNew) return "seen";
    const nth = (this.#looks.get(email) ?? 0) + 1;
    this.#looks.set(email, nth);
    return this.behaviour.newAccounts({ email, action, nth });
  }

  /** Writes a policy, as a call does. Where rights are held back, what it gives and takes does not count yet. */
  writePolicy(holder: { policy: Policy }, policy: Policy): void {
    if (!this.#inEffect?.has(holder)) this.#inEffect?.set(holder, holder.policy);
    holder.policy = policy;
  }

  /** The policy by which a call is allowed or denied. */
  policyInEffect(holder: { policy: Policy }): Policy {
    return this.#inEffect?.get(holder) ?? holder.policy;
  }

  /** From now on no policy that is written counts, until the function that this returns is called. */
  holdRights(): () => void {
    this.#inEffect ??= new Map();
    return () => {
      this.#inEffect = undefined;
    };
  }

  /** Deletes an account. Policies show it as deleted; its tokens are worth nothing. */
  deleteAccount(account: ServiceAccount): void {
    this.directory.remove(account.email);
    const plain = `serviceAccount:${account.email}`;
    const shown = `deleted:${plain}?uid=${account.uniqueId}`;
    const rename = (policy: Policy): Policy => ({
      ...policy,
      bindings: policy.bindings.map((binding) => ({
        ...binding,
        members: binding.members.map((member) => (member === plain ? shown : member)),
      })),
    });
    for (const project of this.directory.projects()) {
      project.policy = rename(project.policy);
      for (const other of this.directory.accounts(project.id)) other.policy = rename(other.policy);
    }
    for (const repository of this.repositories.values()) repository.policy = rename(repository.policy);
    for (const topic of this.topics.values()) topic.policy = rename(topic.policy);
    for (const value of this.tags.values()) value.policy = rename(value.policy);
  }
}
