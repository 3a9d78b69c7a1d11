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
  /**
   * How long Azure Resource Manager takes to answer a request, by its action, by the clock of the emulator: who waits for the answer waits
   * until `advance` has moved that clock so far. `azureTimes` has those of Azure. Default: no time.
   */
  requestMs: Readonly<Record<string, number>>;
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

/**
 * How long Azure takes: of a registry's PUT 8 s and of its DELETE 31 s, at the most, in the recordings of Microsoft's own clients
 * (Azure/azure-sdk-for-js, sdk/containerregistry/arm-containerregistry, recordings).
 */
export const azureTimes: Behaviour["requestMs"] = {
  "PUT registries": 8_000,
  "PATCH registries": 8_000,
  "DELETE registries": 31_000,
};

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

  readonly #waiting = new Set<{ readonly until: number; readonly go: () => void }>();

  /** Waits until the clock was moved ahead to there, by `moved`. Time that goes by of itself does not count. */
  async clockMovedTo(until: number): Promise<void> {
    if (until <= this.moved) return;
    await new Promise<void>((go) => this.#waiting.add({ until, go }));
  }

  /** Milliseconds by which the clock was moved ahead, in all. */
  moved = 0;

  advance(ms: number): void {
    this.moved += ms;
    this.release(this.moved);
  }

  /** Lets those go on who wait for the clock to be moved so far; by default everybody. */
  release(moved = Number.POSITIVE_INFINITY): void {
    for (const waiting of this.#waiting) {
      if (waiting.until > moved) continue;
      this.#waiting.delete(waiting);
      waiting.go();
    }
  }

  /** Deletes a registry with all that is in it, and what was assigned on it. */
  async removeRegistry(registry: Registry): Promise<void> {
    this.registries.delete(registry.name.toLowerCase());
    this.assignments.removeBelow(registryId(registry));
    await this.#dataPlane().remove(registry);
  }
}
