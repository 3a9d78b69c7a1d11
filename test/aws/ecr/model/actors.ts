import { type Model, nothing } from "../../policy/support/model.ts";
import type { Cloud, Ended, FunctionProcess } from "./cloud.ts";
import type { By } from "./commands.ts";
import { visible } from "./oracle.ts";
import type { Watch } from "./watch.ts";

/** One call of an operation, or one delivery of an event. */
export type Operation = (process: FunctionProcess, dies?: number) => Promise<Ended>;

/** Of a call: when its process dies, and whose access it must not touch, in which replica regions. */
export interface During {
  readonly dies?: number | undefined;
  readonly staying?: Model;
  readonly regions?: ReadonlySet<string>;
}

/** How often the same call is made before it counts as one that never succeeds. */
const tries = 5;

/** The two processes that run the functions. One may hold an older binding than the other. */
export class Actors {
  /** The regions of the binding that `provisionRegistry` answered last. */
  answered: readonly string[];
  readonly log: string[] = [];
  readonly #cloud: Cloud;
  readonly #watch: Watch;
  readonly #derived: boolean;
  readonly #bindings: Record<By, readonly string[]>;
  readonly #processes: Record<By, FunctionProcess>;

  constructor(cloud: Cloud, watch: Watch, { derived, regions }: { derived: boolean; regions: readonly string[] }) {
    this.#cloud = cloud;
    this.#watch = watch;
    this.#derived = derived;
    this.answered = regions;
    this.#bindings = { new: regions, old: regions };
    this.#processes = { new: this.#start(regions), old: this.#start(regions) };
  }

  /** Gives these processes the binding that was answered last. */
  deploy(...which: readonly By[]): void {
    for (const by of which) {
      this.#bindings[by] = this.answered;
      this.#processes[by] = this.#start(this.answered);
    }
  }

  /**
   * The same call again and again, as callers make it, until it ends well, or with an error for good.
   *
   * @throws Error where it took somebody's access away, for a moment, who stays
   */
  async attempt(
    by: By,
    operation: Operation,
    { dies, staying = nothing, regions = new Set() }: During,
  ): Promise<Ended> {
    const { end, lost } = await this.#watch.during({ grants: visible(staying), regions }, async () => {
      let last = await operation(this.#processes[by], dies);
      for (let count = 1; count < tries && last !== "died" && !last.ok && last.retryable; count++) {
        last = await operation(this.#processes[by]);
      }
      return last;
    });
    this.log.push(`    ${told(end)}`);
    if (end === "died") {
      this.#processes[by] = this.#start(this.#bindings[by]);
      await this.#cloud.age();
    }
    if (lost[0] !== undefined) fail(lost[0], end);
    return end;
  }

  #start(regions: readonly string[]): FunctionProcess {
    return this.#cloud.start(this.#derived ? "derived" : regions);
  }
}

export function fail(what: string, end?: Ended): never {
  throw new Error(end === undefined ? what : `${what}: ${told(end)}`);
}

function told(end: Ended): string {
  if (end === "died") return end;
  return end.ok ? "ok" : `${end.code} ${end.message}`;
}
