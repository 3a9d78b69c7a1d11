import type { CallRecord } from "../../../emulators/aws/index.ts";
import { type Cloud, everyRegion, home, repository } from "./cloud.ts";
import { accountIn, whoMay } from "./consumers.ts";

/** Who may pull in each region that has the repository. */
export type Seen = ReadonlyMap<string, ReadonlySet<string>>;

/** Whose access an operation must not touch, not even for a moment, and where. */
export interface Staying {
  readonly grants: ReadonlySet<string>;
  readonly regions: ReadonlySet<string>;
}

/** Looks at what ECR has, after each operation and after each write in the midst of one. */
export class Watch {
  readonly #cloud: Cloud;
  #staying: Staying = { grants: new Set(), regions: new Set() };
  readonly #problems: string[] = [];

  constructor(cloud: Cloud) {
    this.#cloud = cloud;
    const before = new Map<CallRecord, ReadonlySet<string>>();
    const { faults } = cloud.emulator;
    faults.before = async (call) => {
      if (isPolicyWrite(call)) before.set(call, await whoMay(cloud.statements(call.region)));
    };
    faults.after = async (call) => {
      const was = before.get(call);
      before.delete(call);
      if (was !== undefined && call.outcome === "ok")
        this.#compare(call, was, await whoMay(cloud.statements(call.region)));
    };
  }

  async seen(): Promise<Seen> {
    const regions = everyRegion.filter((region) => this.#cloud.at(region) !== undefined);
    const each = regions.map(async (region) => [region, await whoMay(this.#cloud.statements(region))] as const);
    return new Map(await Promise.all(each));
  }

  /** @returns whom a write in the midst of the work took away although they stay */
  async during<T>(staying: Staying, work: () => Promise<T>): Promise<{ end: T; lost: readonly string[] }> {
    this.#staying = staying;
    const end = await work();
    return { end, lost: this.#problems.splice(0) };
  }

  isRefused(grant: string, region: string): boolean {
    return this.#cloud.emulator.world.directory.standing.isAbsent(accountIn(grant), region);
  }

  #compare({ action, region }: CallRecord, was: ReadonlySet<string>, is: ReadonlySet<string>): void {
    const { grants, regions } = this.#staying;
    if (region !== home && !regions.has(region)) return;
    for (const grant of grants) {
      if (!was.has(grant) || is.has(grant) || this.isRefused(grant, region)) continue;
      this.#problems.push(`${action} in ${region} lacked ${grant}, who stays`);
    }
  }
}

function isPolicyWrite({ action, input }: CallRecord): boolean {
  return /^(?:Set|Delete)RepositoryPolicy$/.test(action) && input.repositoryName === repository;
}
