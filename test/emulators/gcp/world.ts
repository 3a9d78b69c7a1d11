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
