import type { AwsAccess } from "../../../../core/schemas.ts";
import type { EmulatorEvent } from "../../../emulators/aws/index.ts";
import { type Model, modelAdd, nothing } from "../../policy/support/model.ts";
import { Cloud, type Ended, everyRegion, type FunctionProcess, home, logical, replicaRegions, repository } from "./cloud.ts";
import type { By, Command, Sequence } from "./commands.ts";
import { accesses, accounts, foreigner, grantInOurForm, harmless, inOurForm, refusable, theirs } from "./consumers.ts";
import { added, type Bounds, either, exactly, nobody, removed, visible, without } from "./oracle.ts";
import { Foreign, namedIn, sameAs } from "./statements.ts";
import { type Seen, Watch } from "./watch.ts";

type Of<Does extends Command["does"]> = Command & { readonly does: Does };
type Operation = (process: FunctionProcess, dies?: number) => Promise<Ended>;

/** How often the same call is made before it counts as one that never succeeds. */
const tries = 5;

/**
 * Carries out a sequence on an account of its own, and compares what ECR lets through with what should be let through.
 *
 * @throws Error for the first thing that is not as it should be, with the steps that led to it
 */
export async function run(sequence: Sequence): Promise<void> {
  const cloud = await Cloud.open(accounts);
  cloud.emulator.role(refusable["R's account"], "app");
  const steps = new Run(cloud, sequence);
  try {
    await steps.all();
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : error}\n${steps.log.join("\n")}`, { cause: error });
  } finally {
    cloud.close();
  }
}

class Run {
  readonly log: string[] = [];
  readonly #cloud: Cloud;
  readonly #watch: Watch;
  readonly #sequence: Sequence;
  readonly #processes: Record<By, FunctionProcess>;
  readonly #bindings: Record<By, readonly string[]>;
  /** The regions of the binding that was answered last. */
  #answered: readonly string[];
  #grants: Bounds = nobody;
  /** When the repository at home was made, by which it is told from its successor. */
  #born: number | undefined;
  /** The replica regions that the registry has for certain, and those that it may have. */
  #regions: ReadonlySet<string> = new Set();
  #perhaps: ReadonlySet<string> = new Set();
  /** What a provisioning that did not end was to bring about. */
  #unfinished: readonly string[] | undefined;
  /** Whether something has crashed since the last edit that ended well. */
  #crashed = false;
  /** When access was revoked last for certain, and when it may have been, in milliseconds. */
  readonly #revoked = { certainly: 0, perhaps: 0 };
  readonly #events: { readonly sent: Date; readonly access: readonly AwsAccess[] }[] = [];
  readonly #replications: EmulatorEvent[] = [];
  readonly #foreign: Foreign;

  constructor(cloud: Cloud, sequence: Sequence) {
    this.#cloud = cloud;
    this.#watch = new Watch(cloud);
    this.#foreign = new Foreign(cloud);
    this.#sequence = sequence;
    this.#answered = sequence.regions;
    this.#bindings = { new: sequence.regions, old: sequence.regions };
    this.#processes = { new: this.#start(sequence.regions), old: this.#start(sequence.regions) };
  }

  async all(): Promise<void> {
    await this.#provision({ does: "provision", regions: this.#sequence.regions, by: "new" });
    await this.#create({ does: "create", by: "new" });
    for (const command of this.#sequence.commands) {
      this.log.push(`  ${JSON.stringify(command)}`);
      this.#cloud.time.pass(2_000);
      await this.#carryOut(command);
    }
    this.log.push("  at last");
    if (this.#unfinished) await this.#provision({ does: "provision", regions: this.#unfinished, by: "new" });
    this.#deploy({ does: "deploy", which: "both" });
    await this.#settle("new");
    await this.#get("new");
  }

  async #carryOut(command: Command): Promise<void> {
    switch (command.does) {
      case "provision":
        return this.#provision(command);
      case "deploy":
        return this.#deploy(command);
      case "add":
        return this.#add(command);
      case "remove":
        return this.#remove(command.by, accesses[command.access], command.dies);
      case "create":
        return this.#create(command);
      case "delete":
        return this.#delete(command);
      case "get":
        return this.#get(command.by);
      case "set up": {
        const event = { sent: this.#cloud.time.now(), access: command.access.map((name) => accesses[name]) };
        this.#events.push(event);
        return this.#setUp(event, command);
      }
      case "replay": {
        const event = this.#events[command.event];
        return event && this.#setUp(event, command);
      }
      case "push":
        return this.#cloud.push();
      case "arrive": {
        const event = this.#cloud.arrive();
        if (event) this.#replications.push(event);
        return;
      }
      case "tell": {
        const event = this.#replications[command.event];
        return event && this.#replicated(event, command);
      }
      case "lose":
        this.#cloud.delete(command.region);
        return this.#identify();
      case "make":
        return this.#make(command);
      case "write":
        return this.#foreign.write(command.region, theirs[command.statement]);
      case "refuse":
        this.#cloud.emulator.world.refusePrincipal({
          accountId: refusable[command.whom],
          ...(command.region && { region: command.region }),
        });
        return;
      case "reopen":
        return this.#cloud.emulator.world.reopen(refusable[command.whom]);
      case "settle":
        return this.#settle(command.by);
    }
  }

  async #provision({ regions, by, dies }: Of<"provision">): Promise<void> {
    const before = this.#regions;
    const wanted = new Set(regions);
    const kept = new Set(regions.filter((region) => before.has(region)));
    const end = await this.#attempt(
      by,
      (process, dieAfter) => process.ask("provisionRegistry", { replicationRegions: regions }, dieAfter),
      { dies, staying: this.#grants.least, regions: kept },
    );
    if (end !== "died" && end.ok) {
      this.#answered = regions;
      [this.#regions, this.#perhaps, this.#unfinished] = [wanted, new Set(), undefined];
      this.#foreign.mayGo();
      const seen = await this.#watch.seen();
      for (const region of replicaRegions.filter((each) => !wanted.has(each))) {
        this.#expectNone(seen, region, nothingBut(), "a region that has left");
      }
      if (!this.#isRefusing() && this.#born !== undefined && this.#isSure()) {
        for (const region of regions.filter((each) => !before.has(each))) this.#expectHome(seen, region, "that came");
      }
      return;
    }
    const shrinks = regions.every((region) => before.has(region));
    if (end !== "died" && (shrinks || !this.#isRefusing())) this.#fail("provisionRegistry never ends well", end);
    this.#perhaps = new Set([...this.#perhaps, ...before, ...wanted].filter((region) => !kept.has(region)));
    this.#regions = kept;
    this.#unfinished = regions;
  }

  #deploy({ which }: Of<"deploy">): void {
    for (const by of which === "both" ? (["new", "old"] as const) : (["new"] as const)) {
      this.#bindings[by] = this.#answered;
      this.#processes[by] = this.#start(this.#answered);
    }
  }

  async #add({ by, access, dies }: Of<"add">): Promise<void> {
    const value = accesses[access];
    const goal = added(this.#grants, value);
    const [before, wasGone] = [await this.#watch.seen(), this.#born === undefined];
    const add: Operation = (process, dieAfter) => process.ask("addCrossAccountAccess", onRepository(value), dieAfter);
    const end = await this.#attempt(by, add, { dies, staying: this.#grants.least });
    if (end === "died") this.#grants = wasGone ? nobody : either(this.#grants, goal);
    else if (end.ok && wasGone) this.#fail("access was granted to a repository that is gone");
    else if (end.ok) this.#grants = goal;
    else if (!wasGone) await this.#refused("addCrossAccountAccess", end, before, [value]);
  }

  /** An edit that grants was refused: AWS must have had somebody to refuse, and nothing may have changed. */
  async #refused(what: string, end: Ended, before: Seen, values: readonly AwsAccess[]): Promise<void> {
    if (!this.#isRefusing(values)) this.#fail(`${what} fails although AWS refuses nobody whom it is about`, end);
    for (const [region, may] of await this.#watch.seen()) {
      const was = before.get(region) ?? nothing;
      for (const grant of may) {
        if (!was.has(grant) && !this.#grants.most.has(grant)) this.#fail(`it let ${grant} in at ${region}`, end);
      }
      for (const grant of was) {
        if (this.#grants.least.has(grant) && !may.has(grant)) this.#fail(`it took ${grant} away at ${region}`, end);
      }
    }
  }

  async #remove(by: By, value: AwsAccess, dies?: number): Promise<void> {
    const wasGone = this.#born === undefined;
    const goal = removed(this.#grants, value);
    if (goal === undefined) throw new Error("This removal is refused by definition.");
    const writes = [...this.#grants.least].some((grant) => !goal.most.has(grant));
    const isLost = (grant: string) => this.#watch.isRefused(grant, home);
    const named = new Set([...namedIn(value), ...this.#grants.most].filter((grant) => !goal.most.has(grant)));
    const remove: Operation = (process, dieAfter) =>
      process.ask("removeCrossAccountAccess", onRepository(value), dieAfter);
    const end = await this.#attempt(by, remove, { dies, staying: goal.least });
    this.#revoked.perhaps = this.#cloud.time.now().getTime();
    this.#foreign.mayGo();
    if (end === "died") {
      this.#grants = wasGone ? nobody : either(this.#grants, without(goal, isLost, true));
      return;
    }
    if (!end.ok && !(wasGone && end.code === "RESOURCE_NOT_FOUND")) this.#fail("a revocation never ends well", end);
    if (end.ok) this.#revoked.certainly = this.#revoked.perhaps;
    this.#grants = without(goal, isLost, !writes || this.#crashed);
    const seen = await this.#watch.seen();
    for (const region of everyRegion) this.#expectNone(seen, region, named, "a revocation that ended well");
    if (wasGone) for (const region of this.#regions) this.#expectNone(seen, region, nothingBut(), "home is gone");
  }

  async #create({ by, dies }: Of<"create">): Promise<void> {
    const create: Operation = (process, dieAfter) => process.ask("createRepository", { name: logical }, dieAfter);
    const end = await this.#attempt(by, create, { dies, staying: this.#grants.least });
    if (end !== "died" && !end.ok) this.#fail("createRepository never ends well", end);
  }

  async #delete({ by, dies }: Of<"delete">): Promise<void> {
    const remove: Operation = (process, dieAfter) => process.ask("deleteRepository", { repoId: repository }, dieAfter);
    const end = await this.#attempt(by, remove, { dies });
    this.#revoked.perhaps = this.#cloud.time.now().getTime();
    this.#foreign.mayGo();
    if (end === "died") {
      if (this.#born !== undefined) this.#grants = either(this.#grants, nobody);
      return;
    }
    if (!end.ok) this.#fail("deleteRepository never ends well", end);
    this.#revoked.certainly = this.#revoked.perhaps;
    const seen = await this.#watch.seen();
    for (const region of everyRegion) this.#expectNone(seen, region, nothingBut(), "the repository was deleted");
    for (const region of [home, ...this.#regions]) if (seen.has(region)) this.#fail(`it was not deleted in ${region}`);
  }

  async #setUp({ sent, access }: { sent: Date; access: readonly AwsAccess[] }, { by, dies }: Of<"replay" | "set up">) {
    const before = await this.#watch.seen();
    const deliver: Operation = (process, dieAfter) => process.setUp(access, sent, dieAfter);
    const end = await this.#attempt(by, deliver, { dies, staying: this.#grants.least });
    const goal = access.reduce(added, this.#grants);
    if (end === "died") this.#grants = either(this.#grants, goal);
    else if (end.ok) {
      if (sent.getTime() <= this.#revoked.certainly) this.#fail("an event of before the last revocation was carried out");
      this.#grants = goal;
    } else {
      const now = this.#cloud.time.now().getTime();
      const isStale = sent.getTime() <= this.#revoked.perhaps || now - sent.getTime() > 3_600_000;
      if (!isStale) await this.#refused("a set-up event", end, before, access);
    }
  }

  async #replicated(event: EmulatorEvent, { by, dies }: Of<"tell">): Promise<void> {
    const before = await this.#watch.seen();
    const tell: Operation = (process, dieAfter) => process.replicated(event, dieAfter);
    const end = await this.#attempt(by, tell, { dies, staying: this.#grants.least });
    const isOurs = this.#born !== undefined && (this.#regions.has(event.region) || this.#perhaps.has(event.region));
    if (end !== "died" && !end.ok && !(isOurs && this.#isRefusing())) this.#fail("a replication event fails", end);
    for (const [region, may] of await this.#watch.seen()) {
      const allowed = isOurs && region === event.region ? this.#grants.most : nothing;
      for (const grant of may) {
        if (!before.get(region)?.has(grant) && !allowed.has(grant)) this.#fail(`it let ${grant} in at ${region}`, end);
      }
    }
  }

  #make({ region, policy }: Of<"make">): void {
    if (this.#cloud.at(region) !== undefined) return;
    this.#cloud.create(region);
    this.#identify();
    // In a region that the registry does not have, nobody would ever take it away.
    if (policy === "ours" && (region === home || this.#regions.has(region))) {
      const isTaken = this.#cloud.append(region, inOurForm);
      if (region === home && isTaken) this.#grants = exactly(new Set([grantInOurForm]));
    } else if (policy !== "none") this.#foreign.write(region, theirs.allows);
  }

  /** After an edit that changes nobody's access, everything is as it should be in every region. */
  async #settle(by: By): Promise<void> {
    await this.#remove(by, harmless);
    const isSettled = new Set([home, ...this.#regions]);
    const seen = await this.#watch.seen();
    for (const [region, may] of seen) {
      const most = visible(this.#grants.most);
      if (this.#born === undefined && isSettled.has(region)) this.#expectNone(seen, region, nothingBut(), "home is gone");
      else if (!isSettled.has(region) && !this.#perhaps.has(region)) {
        this.#expectNone(seen, region, nothingBut(), "it is no region of the registry");
      } else {
        for (const grant of may) if (!most.has(grant)) this.#fail(`${grant} may pull in ${region}, and should not`);
      }
      if (this.#born !== undefined && isSettled.has(region)) this.#expectHome(seen, region, "of the registry");
    }
    if (this.#born !== undefined) this.#resolve(seen.get(home) ?? nothing);
    this.#crashed = false;
    const gone = this.#foreign.missing();
    if (gone) this.#fail(gone);
  }

  /** Everybody who may pull at home may, and nobody else; and what a crash left open came out alike everywhere. */
  #expectHome(seen: Seen, region: string, which: string): void {
    const [may, atHome] = [seen.get(region), seen.get(home) ?? nothing];
    if (may === undefined) return;
    const least = visible(this.#grants.least);
    for (const grant of visible(this.#grants.most)) {
      if (this.#watch.isRefused(grant, region)) continue;
      const should = least.has(grant) || atHome.has(grant);
      if (may.has(grant) !== should) this.#fail(`${grant} ${should ? "may not" : "may"} pull in ${region}, ${which}`);
    }
  }

  #expectNone(seen: Seen, region: string, named: { has(grant: string): boolean }, why: string): void {
    for (const grant of seen.get(region) ?? []) if (named.has(grant)) this.#fail(`${grant} may pull in ${region}: ${why}`);
  }

  #resolve(atHome: ReadonlySet<string>): void {
    const { least, most } = this.#grants;
    const shown = visible(most);
    const now = new Set([...most].filter((grant) => least.has(grant) || atHome.has(grant)));
    this.#grants = { least: now, most: new Set([...most].filter((grant) => now.has(grant) || !shown.has(grant))) };
  }

  async #get(by: By): Promise<void> {
    const end = await this.#attempt(by, (process) => process.ask("getCrossAccountAccess", { repoId: repository }), {});
    if (end === "died" || (!end.ok && this.#born === undefined)) return;
    if (!end.ok) this.#fail("getCrossAccountAccess fails", end);
    if (!this.#isSure() || this.#crashed) return;
    const told = (end.output.grants as AwsAccess[]).reduce<Model>(modelAdd, nothing);
    if (!sameAs(visible(told), visible(this.#grants.least))) this.#fail(`get says ${[...told].join(", ") || "nobody"}`, end);
  }

  /** The same call again and again, as callers make it, until it ends well, or with an error for good. */
  async #attempt(
    by: By,
    operation: Operation,
    during: { dies?: number | undefined; staying?: Model; regions?: ReadonlySet<string> },
  ): Promise<Ended> {
    const staying = { grants: visible(during.staying ?? nothing), regions: during.regions ?? this.#regions };
    const { end, lost } = await this.#watch.during(staying, async () => {
      let last = await operation(this.#processes[by], during.dies);
      for (let count = 1; count < tries && last !== "died" && !last.ok && last.retryable; count++) {
        last = await operation(this.#processes[by]);
      }
      return last;
    });
    if (end === "died") {
      this.#crashed = true;
      this.#processes[by] = this.#start(this.#bindings[by]);
      await this.#cloud.age();
    }
    this.log.push(`    ${end === "died" ? end : end.ok ? "ok" : `${end.code} ${end.message}`}`);
    this.#identify();
    if (lost[0] !== undefined) this.#fail(lost[0], end);
    return end;
  }

  /** A repository that is gone, or another than it was, grants nothing of what the earlier one did. */
  #identify(): void {
    const born = this.#cloud.at(home)?.createdAt.getTime();
    if (born !== this.#born) this.#grants = nobody;
    this.#born = born;
    this.#foreign.forgetGone();
  }

  /** Whether AWS refuses somebody somewhere whom a document of ours names, or would. */
  #isRefusing(values: readonly AwsAccess[] = []): boolean {
    const all = values.reduce(added, this.#grants).most;
    const regions = [home, ...this.#regions, ...this.#perhaps];
    const foreign = this.#foreign.isAnywhere ? [`account ${foreigner}`] : [];
    return [...all, ...foreign].some((grant) => regions.some((region) => this.#watch.isRefused(grant, region)));
  }

  #isSure(): boolean {
    return sameAs(this.#grants.least, this.#grants.most);
  }

  #start(regions: readonly string[]): FunctionProcess {
    return this.#cloud.start(this.#sequence.derived ? "derived" : regions);
  }

  #fail(what: string, end?: Ended): never {
    throw new Error(`${what}${end === undefined || end === "died" || end.ok ? "" : `: ${end.code} ${end.message}`}`);
  }
}

const onRepository = (access: AwsAccess) => ({ repoId: repository, access });
/** Everybody is meant. */
const nothingBut = () => ({ has: () => true });
