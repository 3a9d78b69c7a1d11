import type { AwsAccess } from "../../../../core/schemas.ts";
import { nothing } from "../../policy/support/model.ts";
import { fail } from "./actors.ts";
import { type Cloud, type Ended, everyRegion, home } from "./cloud.ts";
import { foreigner } from "./consumers.ts";
import { added, type Bounds, nobody, visible } from "./oracle.ts";
import { type Foreign, sameAs } from "./statements.ts";
import type { Seen, Watch } from "./watch.ts";

/** Everybody is meant. */
const everybody = { has: () => true };

/** What should be, and whether it is. */
export class Judge {
  grants: Bounds = nobody;
  /** The replica regions that the registry has for certain, and those that it may have. */
  regions: ReadonlySet<string> = new Set();
  perhaps: ReadonlySet<string> = new Set();
  /** Whether something has crashed since everything was last seen to be settled. */
  crashed = false;
  /** When access was revoked last for certain, and when it may have been, in milliseconds. */
  readonly revoked = { certainly: 0, perhaps: 0 };
  /** Whether somebody else deleted a repository, and no deletion of ours has followed. Its successor tells when, at most. */
  lostByHand = false;
  /** When the repository at home was made, by which it is told from its successor. */
  #born: number | undefined;
  readonly #cloud: Cloud;
  readonly #watch: Watch;
  readonly #foreign: Foreign;

  constructor(cloud: Cloud, watch: Watch, foreign: Foreign) {
    this.#cloud = cloud;
    this.#watch = watch;
    this.#foreign = foreign;
  }

  /** Whether there is no repository at home. */
  get isGone(): boolean {
    return this.#born === undefined;
  }

  /** Whether an event of this moment may be taken for one of before the last revocation or deletion. */
  mayBeStale(sent: Date): boolean {
    const at = sent.getTime();
    return at <= this.revoked.perhaps || (this.lostByHand && this.#born !== undefined && at < this.#born);
  }

  /** Whether no crash has left open who is granted what. */
  get isSure(): boolean {
    return !this.crashed && sameAs(this.grants.least, this.grants.most);
  }

  /** A repository that is gone, or another than it was, grants nothing of what the earlier one did. */
  identify(): void {
    const born = this.#cloud.at(home)?.createdAt.getTime();
    if (born !== this.#born) this.grants = nobody;
    this.#born = born;
    this.#foreign.forgetGone();
  }

  /** Whether AWS refuses somebody somewhere whom a document of ours names, or would. */
  isRefusing(values: readonly AwsAccess[] = []): boolean {
    const all = values.reduce(added, this.grants).most;
    const regions = [home, ...this.regions, ...this.perhaps];
    const foreign = this.#foreign.isAnywhere ? [`account ${foreigner}`] : [];
    return [...all, ...foreign].some((grant) => regions.some((region) => this.#watch.isRefused(grant, region)));
  }

  /** Nobody whom these name may pull in these regions. */
  expectNone(seen: Seen, regions: Iterable<string>, why: string, named: { has(grant: string): boolean } = everybody) {
    for (const region of regions) {
      for (const grant of seen.get(region) ?? []) if (named.has(grant)) fail(`${grant} may pull in ${region}: ${why}`);
    }
  }

  /** Nobody may pull who could not before, unless allowed. */
  expectNoMore(before: Seen, now: Seen, allowed: (grant: string, region: string) => boolean): void {
    for (const [region, may] of now) {
      for (const grant of may) {
        if (!before.get(region)?.has(grant) && !allowed(grant, region)) fail(`it let ${grant} in at ${region}`);
      }
    }
  }

  /** An edit that grants was refused: AWS must have had somebody to refuse, and nothing may have changed. */
  expectRefusal(end: Ended, values: readonly AwsAccess[], before: Seen, now: Seen): void {
    if (!this.isRefusing(values)) fail("an edit fails although AWS refuses nobody whom it is about", end);
    this.expectNoMore(before, now, (grant) => this.grants.most.has(grant));
    for (const [region, may] of now) {
      for (const grant of before.get(region) ?? nothing) {
        if (this.grants.least.has(grant) && !may.has(grant)) fail(`it took ${grant} away at ${region}`);
      }
    }
  }

  /** Whoever may pull at home may pull there, and nobody else; what a crash left open came out alike everywhere. */
  expectHome(seen: Seen, region: string): void {
    const [may, atHome] = [seen.get(region), seen.get(home) ?? nothing];
    if (may === undefined) return;
    const least = visible(this.grants.least);
    for (const grant of visible(this.grants.most)) {
      if (this.#watch.isRefused(grant, region)) continue;
      const should = least.has(grant) || atHome.has(grant);
      if (may.has(grant) !== should) fail(`${grant} ${should ? "may not" : "may"} pull in ${region}`);
    }
  }

  /** To be called after an edit that changes nobody's access: everything is as it should be, in every region. */
  expectSettled(seen: Seen): void {
    const settled = [home, ...this.regions];
    const others = everyRegion.filter((region) => !settled.includes(region) && !this.perhaps.has(region));
    this.expectNone(seen, others, "it is no region of the registry");
    if (this.isGone) this.expectNone(seen, settled, "home is gone");
    const most = visible(this.grants.most);
    for (const [region, may] of seen) {
      for (const grant of may) if (!most.has(grant)) fail(`${grant} may pull in ${region}, and should not`);
    }
    if (!this.isGone) {
      for (const region of settled) this.expectHome(seen, region);
      this.#resolve(seen.get(home) ?? nothing);
    }
    this.crashed = false;
    const missing = this.#foreign.missing();
    if (missing) fail(missing);
  }

  /** What a crash left open can now be seen, unless it shows in no pull. */
  #resolve(atHome: ReadonlySet<string>): void {
    const { least, most } = this.grants;
    const shown = visible(most);
    const now = new Set([...most].filter((grant) => least.has(grant) || atHome.has(grant)));
    this.grants = { least: now, most: new Set([...most].filter((grant) => now.has(grant) || !shown.has(grant))) };
  }
}
