import type { Faults } from "../faults.ts";
import type { CallRecord, NamedError } from "./call.ts";
import type { DataPlane } from "./data-plane/data-plane.ts";
import { newPrivateRegistry, type PrivateRegistry } from "./ecr/state.ts";
import { newPublicRegistry, type PublicRegistry } from "./ecr-public/state.ts";
import type { EmulatorEvent } from "./events.ts";
import type { Directory } from "./identity/directory.ts";
import type { Principal } from "./identity/principal.ts";
import type { Unknown } from "./identity/standing.ts";
import type { Queue } from "./sqs/queue.ts";

/** What an emulator may be told to be like; where reality is not known, the harsher way is the default. */
export interface Behaviour {
  /** A token works in the region that issued it only. */
  readonly regionalTokens: boolean;
  /** A token works for its 12 hours even when the session that asked for it has ended. */
  readonly tokensOutliveSessions: boolean;
  /** Nobody's signature is checked, and everybody may do everything: for speed, where a test is about something else. */
  readonly trusting: boolean;
  /** Pushes are replicated at once, not when a test says so. */
  readonly replicateAtOnce: boolean;
  /** Members of a replication configuration that no model has yet are kept, as an AWS will that is newer than this emulator. */
  readonly keepsNewMembers: boolean;
}

/** A registry token and whom it stands for. */
export interface RegistryToken {
  readonly principal: Principal;
  readonly service: "ecr" | "ecr-public";
  readonly region: string;
  readonly expiresAt: Date;
}

/** Everything that the emulator knows. */
export class World {
  readonly directory: Directory;
  readonly faults: Faults<NamedError, CallRecord>;
  readonly behaviour: Behaviour;
  readonly clock: () => Date;
  readonly calls: CallRecord[] = [];
  readonly events: EmulatorEvent[] = [];
  readonly tokens = new Map<string, RegistryToken>();
  readonly queues = new Map<string, Queue>();
  /** Set by the emulator, which owns the sockets. */
  dataPlane: DataPlane | undefined;
  readonly #registries = new Map<string, PrivateRegistry>();
  readonly #publicRegistries = new Map<string, PublicRegistry>();

  constructor(options: {
    directory: Directory;
    faults: Faults<NamedError, CallRecord>;
    behaviour: Behaviour;
    clock: () => Date;
  }) {
    this.directory = options.directory;
    this.faults = options.faults;
    this.behaviour = options.behaviour;
    this.clock = options.clock;
  }

  /**
   * Lets AWS no longer know a principal, or an account with everything in it, in one region or everywhere. ECR then refuses
   * every document that names it, whoever wrote the statement; a document that stands stays as it is. An account can do
   * nothing where it is not known. Returns the function that takes it back.
   *
   * @example
   * world.refusePrincipal({ accountId: "444455556666", region: "af-south-1" }); // it has not enabled this region
   * world.refusePrincipal({ principal: roleArn }); // a role that nobody sees yet
   */
  refusePrincipal(unknown: Unknown): () => void {
    this.directory.standing.lose(unknown);
    return () => this.reopen(unknown);
  }

  /** Closes an account: nobody of it can do anything, and no policy may name it. */
  closeAccount(accountId: string): void {
    this.refusePrincipal({ accountId });
  }

  /** Lets AWS know a principal or an account again: an account is reopened, or a region enabled. */
  reopen(known: string | Unknown): void {
    this.directory.standing.regain(typeof known === "string" ? { accountId: known } : known);
  }

  /** The private registry of one account in one region; every account has one everywhere. */
  registry(account: string, region: string): PrivateRegistry {
    const key = `${account}/${region}`;
    const registry = this.#registries.get(key) ?? newPrivateRegistry(this.directory.partition, account, region);
    this.#registries.set(key, registry);
    return registry;
  }

  registries(): readonly PrivateRegistry[] {
    return [...this.#registries.values()];
  }

  /** The public registry of one account. */
  publicRegistry(account: string): PublicRegistry {
    const registry = this.#publicRegistries.get(account) ?? newPublicRegistry(this.directory.partition, account);
    this.#publicRegistries.set(account, registry);
    return registry;
  }

  publicRegistryByAlias(alias: string): PublicRegistry | undefined {
    return [...this.#publicRegistries.values()].find((registry) => registry.alias === alias);
  }
}
