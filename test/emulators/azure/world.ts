import { randomUUID } from "node:crypto";
import type { Faults } from "../faults.ts";
import { newRegistry, type Registry, type RegistrySeed, registryId } from "./acr/registry.ts";
import { RegistryTokens } from "./acr/tokens.ts";
import type { AzureFault, CallRecord, Service } from "./call.ts";
import type { DataPlane } from "./data-plane/data-plane.ts";
import { type Cloud, cloudOf } from "./identity/clouds.ts";
import { Directory } from "./identity/directory.ts";
import { EntraTokens } from "./identity/entra-tokens.ts";
import type { App } from "./identity/managed-identity.ts";
import { Assignments } from "./rbac/assignments.ts";
import { Roles } from "./rbac/roles.ts";

/** What an emulator may be told to be like. May be changed at any time. */
export interface Behaviour {
  /** How long a long-running operation takes, by the clock of the emulator; 0 for none at all. Default 10. */
  operationMs: number;
  /** What ARM says in `Retry-After` of an operation that goes on; without, clients wait as they like. */
  operationRetryAfterSeconds: number | undefined;
  /** How many entries a page of ARM's lists has. Default 1,000. */
  pageSize: number;
  /** How late role assignments, and their removal, take effect: up to ten minutes on Azure. Default 0. */
  roleDelayMs: number;
  /** A principal without any role in the registry gets a refresh token all the same, for nothing. */
  exchangeForAnybody: boolean;
  /** How long the tokens of registries live. Default 3 h and 75 minutes. */
  refreshSeconds: number;
  accessSeconds: number;
}

/** Everything that the emulator knows. */
export class World {
  readonly subscription = randomUUID();
  readonly directory = new Directory();
  readonly entra: EntraTokens;
  readonly roles = new Roles();
  readonly assignments: Assignments;
  readonly tokens: RegistryTokens;
  readonly faults: Faults<AzureFault, CallRecord>;
  readonly behaviour: Behaviour;
  readonly clock: () => Date;
  readonly calls: CallRecord[] = [];
  readonly apps: App[] = [];
  /** By name, in lower case: one name is one registry in all of Azure. */
  readonly registries = new Map<string, Registry>();
  /** Names of resource groups by their lower case. */
  readonly resourceGroups = new Map<string, { readonly name: string; readonly location: string }>();
  readonly cloud: Cloud;
  readonly #dataPlane: () => DataPlane;

  constructor(options: {
    clock: () => Date;
    faults: Faults<AzureFault, CallRecord>;
    behaviour: Behaviour;
    dataPlane: () => DataPlane;
    /** What login servers end with. */
    suffix: string;
  }) {
    this.clock = options.clock;
    this.faults = options.faults;
    this.behaviour = options.behaviour;
    this.#dataPlane = options.dataPlane;
    this.cloud = cloudOf(options.suffix);
    this.entra = new EntraTokens(this.directory, this.cloud);
    this.assignments = new Assignments(this.roles, options.clock, () => options.behaviour.roleDelayMs);
    this.tokens = new RegistryTokens(options.clock, options.behaviour);
  }

  /** Notes a call that has arrived. */
  record(service: Service, action: string, input: Readonly<Record<string, unknown>>, resource?: string): CallRecord {
    const known = resource === undefined ? {} : { resource };
    const record: CallRecord = { number: this.calls.length + 1, service, action, authorizations: [], input, ...known };
    this.calls.push(record);
    return record;
  }

  /** Makes a registry, with ports of its own. */
  async addRegistry(seed: RegistrySeed): Promise<Registry> {
    const registry = newRegistry(seed, `${seed.name.toLowerCase()}.${this.cloud.suffix}`, this.clock());
    this.registries.set(seed.name.toLowerCase(), registry);
    await this.#dataPlane().add(registry);
    return registry;
  }

  /** Deletes a registry with all that is in it, and what was assigned on it. */
  async removeRegistry(registry: Registry): Promise<void> {
    this.registries.delete(registry.name.toLowerCase());
    this.assignments.removeBelow(registryId(registry));
    await this.#dataPlane().remove(registry);
  }
}
