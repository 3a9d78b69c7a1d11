import type { AwsAccess } from "../../../../core/schemas.ts";
import type { Statement } from "../../../emulators/aws/identity/documents.ts";
import { modelRemove } from "../../policy/support/model.ts";
import { type Cloud, everyRegion } from "./cloud.ts";
import { foreigner, universe } from "./consumers.ts";

/** The statements that others wrote, and whether they must still be there. */
export class Foreign {
  readonly #cloud: Cloud;
  /** By region and text; true for one that a revocation may have had to leave out. */
  readonly #written = new Map<string, Map<string, boolean>>();

  constructor(cloud: Cloud) {
    this.#cloud = cloud;
  }

  get isAnywhere(): boolean {
    return this.#written.size > 0;
  }

  write(region: string, statement: Statement): void {
    const text = JSON.stringify(statement);
    const written = this.#written.get(region) ?? new Map<string, boolean>();
    if (this.#stands(region, text) || !this.#cloud.append(region, statement)) return;
    this.#written.set(region, written.set(text, false));
  }

  /** A revocation goes on without whoever AWS refuses. */
  mayGo(): void {
    const { standing } = this.#cloud.emulator.world.directory;
    for (const [region, written] of this.#written) {
      if (standing.isAbsent(foreigner, region)) for (const text of written.keys()) written.set(text, true);
    }
  }

  /** Statements go with their repository. */
  forgetGone(): void {
    for (const region of everyRegion) if (this.#cloud.at(region) === undefined) this.#written.delete(region);
  }

  /** @returns which statement is not there any more, though nobody may touch it */
  missing(): string | undefined {
    for (const [region, written] of this.#written) {
      for (const [text, mayBeGone] of written) {
        if (!mayBeGone && !this.#stands(region, text)) return `a statement of others is gone in ${region}: ${text}`;
      }
    }
    return undefined;
  }

  #stands(region: string, text: string): boolean {
    return this.#cloud.statements(region).some((statement) => JSON.stringify(statement) === text);
  }
}

/** Everything that a removal names, whoever is granted. */
export function namedIn(access: AwsAccess): string[] {
  const left = modelRemove(universe, access);
  return [...universe].filter((grant) => !left?.has(grant));
}

export function sameAs(one: ReadonlySet<string>, other: ReadonlySet<string>): boolean {
  return one.size === other.size && [...one].every((each) => other.has(each));
}
