import type { AwsAccess } from "../../../../core/schemas.ts";
import type { EmulatorEvent } from "../../../emulators/aws/index.ts";
import { type Model, modelAdd, nothing } from "../../policy/support/model.ts";
import { Actors, type During, fail, type Operation } from "./actors.ts";
import { Cloud, type Ended, everyRegion, home, logical, replicaRegions, repository } from "./cloud.ts";
import type { By, Command, Sequence } from "./commands.ts";
import { accesses, accounts, grantInOurForm, harmless, inOurForm, refusable, theirs } from "./consumers.ts";
import { Judge } from "./judge.ts";
import { added, type Bounds, either, exactly, nobody, removed, visible, without } from "./oracle.ts";
import { Foreign, namedIn, sameAs } from "./statements.ts";
import { Watch } from "./watch.ts";

type Of<Does extends Command["does"]> = Command & { readonly does: Does };

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
  readonly #cloud: Cloud;
  readonly #watch: Watch;
  readonly #sequence: Sequence;
  readonly #foreign: Foreign;
  readonly #judge: Judge;
  readonly #actors: Actors;
  /** What a provisioning that did not end was to bring about. */
  #unfinished: readonly string[] | undefined;
  readonly #events: { readonly sent: Date; readonly access: readonly AwsAccess[] }[] = [];
  readonly #replications: EmulatorEvent[] = [];

  constructor(cloud: Cloud, sequence: Sequence) {
    this.#cloud = cloud;
    this.#sequence = sequence;
    this.#watch = new Watch(cloud);
    this.#foreign = new Foreign(cloud);
    this.#judge = new Judge(cloud, this.#watch, this.#foreign);
    this.#actors = new Actors(cloud, this.#watch, sequence);
  }

  get log(): readonly string[] {
    return this.#actors.log;
  }

  async all(): Promise<void> {
    const { regions, commands } = this.#sequence;
    const prologue: readonly Command[] = [
      { does: "provision", regions, by: "new" },
      { does: "create", by: "new" },
      { does: "push" },
      ...regions.map(() => ({ does: "arrive" }) as const),
    ];
    for (const command of [...prologue, ...commands]) await this.#next(command);
    if (this.#unfinished) await this.#next({ does: "provision", regions: this.#unfinished, by: "new" });
    await this.#next({ does: "deploy", which: "both" });
    await this.#next({ does: "settle", by: "new" });
    await this.#next({ does: "get", by: "new" });
  }

  async #next(command: Command): Promise<void> {
    this.#actors.log.push(`  ${JSON.stringify(command)}`);
    this.#cloud.time.pass(2_000);
    await this.#carryOut(command);
    this.#judge.identify();
  }

  async #carryOut(command: Command): Promise<void> {
    const { emulator } = this.#cloud;
    switch (command.does) {
      case "provision":
        return this.#provision(command);
      case "deploy":
        return this.#actors.deploy("new", ...(command.which === "both" ? (["old"] as const) : []));
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
        const event = this.#events[command.event % this.#events.length];
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
        const event = this.#replications[command.event % this.#replications.length];
        return event && this.#replicated(event, command);
      }
      case "lose":
        return this.#lose(command.region);
      case "make":
        return this.#make(command);
      case "write":
        return this.#foreign.write(command.region, theirs[command.statement]);
      case "refuse": {
        const { whom, region } = command;
        emulator.world.refusePrincipal({ accountId: refusable[whom], ...(region !== undefined && { region }) });
        return;
      }
      case "reopen":
        return emulator.world.reopen(refusable[command.whom]);
      case "settle":
        await this.#remove(command.by, harmless);
        return this.#judge.expectSettled(await this.#watch.seen());
    }
  }

  async #provision({ regions, by, dies }: Of<"provision">): Promise<void> {
    const judge = this.#judge;
    const [before, perhaps] = [judge.regions, judge.perhaps];
    const [wanted, kept] = [new Set(regions), new Set(regions.filter((region) => before.has(region)))];
    const provision: Operation = (process, dieAfter) =>
      process.ask("provisionRegistry", { replicationRegions: regions }, dieAfter);
    const end = await this.#attempt(by, provision, { dies, staying: judge.grants.least, regions: kept });
    if (end === "died" || !end.ok) {
      const isSmaller = regions.every((region) => before.has(region));
      if (end !== "died" && (isSmaller || !judge.isRefusing())) fail("provisionRegistry never ends well", end);
      judge.perhaps = new Set([...judge.perhaps, ...before, ...wanted].filter((region) => !kept.has(region)));
      judge.regions = kept;
      this.#unfinished = regions;
      return;
    }
    [judge.regions, judge.perhaps, this.#unfinished, this.#actors.answered] = [wanted, new Set(), undefined, regions];
    this.#foreign.mayGo();
    const seen = await this.#watch.seen();
    const gone = replicaRegions.filter((region) => !wanted.has(region));
    judge.expectNone(seen, gone, "the region has left the registry");
    if (judge.isRefusing() || judge.isGone || !judge.isSure) return;
    // One that may have been there all the time was perhaps not filled: its replica follows home with the next edit.
    const isNew = (region: string) => !before.has(region) && !perhaps.has(region);
    for (const region of regions.filter(isNew)) judge.expectHome(seen, region);
  }

  async #add({ by, access, dies }: Of<"add">): Promise<void> {
    const [judge, value] = [this.#judge, accesses[access]];
    const [before, wasGone, goal] = [await this.#watch.seen(), judge.isGone, added(judge.grants, value)];
    const add: Operation = (process, dieAfter) => process.ask("addCrossAccountAccess", onRepository(value), dieAfter);
    const end = await this.#attempt(by, add, { dies, staying: judge.grants.least });
    if (end === "died") judge.grants = wasGone ? nobody : either(judge.grants, goal);
    else if (end.ok && wasGone) fail("access was granted to a repository that is gone");
    else if (end.ok) this.#wasGranted(goal);
    else if (!wasGone) judge.expectRefusal(end, [value], before, await this.#watch.seen());
  }

  async #remove(by: By, value: AwsAccess, dies?: number): Promise<void> {
    const judge = this.#judge;
    const [wasGone, goal] = [judge.isGone, removed(judge.grants, value)];
    if (goal === undefined) throw new Error("This removal is refused by definition.");
    const writes = [...judge.grants.least].some((grant) => !goal.most.has(grant));
    const mayWrite = judge.crashed || [...judge.grants.most].some((grant) => !goal.least.has(grant));
    const isLost = (grant: string) => this.#watch.isRefused(grant, home);
    const named = new Set([...namedIn(value), ...judge.grants.most].filter((grant) => !goal.most.has(grant)));
    const remove: Operation = (process, dieAfter) =>
      process.ask("removeCrossAccountAccess", onRepository(value), dieAfter);
    const end = await this.#attempt(by, remove, { dies, staying: goal.least });
    this.#wasRevoked(end);
    if (end === "died") {
      judge.grants = wasGone ? nobody : either(judge.grants, without(goal, isLost, true));
      return;
    }
    if (!end.ok && !(wasGone && end.code === "RESOURCE_NOT_FOUND")) fail("a revocation never ends well", end);
    judge.grants = mayWrite ? without(goal, isLost, !writes) : goal;
    const seen = await this.#watch.seen();
    judge.expectNone(seen, everyRegion, "it was revoked", named);
    if (wasGone) judge.expectNone(seen, judge.regions, "home is gone");
  }

  async #create({ by, dies }: Of<"create">): Promise<void> {
    const create: Operation = (process, dieAfter) => process.ask("createRepository", { name: logical }, dieAfter);
    const end = await this.#attempt(by, create, { dies, staying: this.#judge.grants.least });
    if (end !== "died" && !end.ok) fail("createRepository never ends well", end);
  }

  async #delete({ by, dies }: Of<"delete">): Promise<void> {
    const judge = this.#judge;
    const remove: Operation = (process, dieAfter) => process.ask("deleteRepository", { repoId: repository }, dieAfter);
    const end = await this.#attempt(by, remove, { dies });
    this.#wasRevoked(end);
    if (end === "died") {
      judge.grants = either(judge.grants, nobody);
      return;
    }
    if (!end.ok) fail("deleteRepository never ends well", end);
    judge.lostByHand = false;
    const seen = await this.#watch.seen();
    judge.expectNone(seen, everyRegion, "the repository was deleted");
    for (const region of [home, ...judge.regions]) if (seen.has(region)) fail(`it was not deleted in ${region}`);
  }

  async #setUp({ sent, access }: { sent: Date; access: readonly AwsAccess[] }, { by, dies }: Of<"replay" | "set up">) {
    const judge = this.#judge;
    const before = await this.#watch.seen();
    const deliver: Operation = (process, dieAfter) => process.setUp(access, sent, dieAfter);
    const end = await this.#attempt(by, deliver, { dies, staying: judge.grants.least });
    const goal = access.reduce(added, judge.grants);
    if (end === "died") judge.grants = either(judge.grants, goal);
    else if (end.ok) {
      if (sent.getTime() <= judge.revoked.certainly) fail("an event of before the last revocation was carried out");
      this.#wasGranted(goal);
    } else {
      const age = this.#cloud.time.now().getTime() - sent.getTime();
      if (!judge.mayBeStale(sent) && age <= 3_600_000)
        judge.expectRefusal(end, access, before, await this.#watch.seen());
    }
  }

  async #replicated(event: EmulatorEvent, { by, dies }: Of<"tell">): Promise<void> {
    const judge = this.#judge;
    const before = await this.#watch.seen();
    const tell: Operation = (process, dieAfter) => process.replicated(event, dieAfter);
    const end = await this.#attempt(by, tell, { dies, staying: judge.grants.least });
    const isOurs = !judge.isGone && (judge.regions.has(event.region) || judge.perhaps.has(event.region));
    if (end !== "died" && !end.ok && !(isOurs && judge.isRefusing())) fail("a replication event fails", end);
    judge.expectNoMore(before, await this.#watch.seen(), (grant, region) => {
      return isOurs && region === event.region && judge.grants.most.has(grant);
    });
  }

  #make({ region, policy, anew }: Of<"make">): void {
    if (anew) this.#lose(region);
    if (this.#cloud.at(region) !== undefined) return;
    this.#foreign.forgetGone();
    this.#cloud.create(region);
    this.#judge.identify();
    // In a region that the registry does not have, nobody would ever take it away.
    if (policy === "ours" && (region === home || this.#judge.regions.has(region))) {
      const isTaken = this.#cloud.append(region, inOurForm);
      if (region === home && isTaken) this.#judge.grants = exactly(new Set([grantInOurForm]));
    } else if (policy !== "none") this.#foreign.write(region, theirs.allows);
  }

  #lose(region: string): void {
    if (region === home && !this.#judge.isGone) this.#judge.lostByHand = true;
    this.#cloud.delete(region);
  }

  async #get(by: By): Promise<void> {
    const judge = this.#judge;
    const end = await this.#attempt(by, (process) => process.ask("getCrossAccountAccess", { repoId: repository }), {});
    if (end === "died" || (!end.ok && judge.isGone)) return;
    if (!end.ok) return fail("getCrossAccountAccess fails", end);
    if (!judge.isSure) return;
    const told = (end.output.grants as AwsAccess[]).reduce<Model>(modelAdd, nothing);
    if (!sameAs(visible(told), visible(judge.grants.least))) fail(`get says ${[...told].join(", ") || "nobody"}`);
  }

  async #attempt(by: By, operation: Operation, during: During): Promise<Ended> {
    const end = await this.#actors.attempt(by, operation, { regions: this.#judge.regions, ...during });
    if (end === "died") this.#judge.crashed = true;
    this.#judge.identify();
    return end;
  }

  #wasGranted(goal: Bounds): void {
    this.#judge.grants = goal;
    const { revoked } = this.#judge;
    revoked.perhaps = Math.min(revoked.perhaps, this.#cloud.time.now().getTime());
  }

  #wasRevoked(end: Ended): void {
    const { revoked } = this.#judge;
    // Whether a revocation took effect whose process died, and when, is not known before the next edit has looked.
    const now = this.#cloud.time.now().getTime();
    if (end === "died") revoked.perhaps = Number.POSITIVE_INFINITY;
    else if (end.ok) [revoked.perhaps, revoked.certainly] = [now, now];
    this.#foreign.mayGo();
  }
}

const onRepository = (access: AwsAccess) => ({ repoId: repository, access });
