import type { GcpAccess } from "../../../../core/schemas.ts";
import { type TestSuite, type WireAnswer, wireOf } from "../../../support/suite.ts";
import { access, emails, workers } from "../../support/registry.ts";
import { imageDigest, reader, type Slot, type Variant } from "./bench.ts";

/** How a row of the table comes about. */
export interface Scenario {
  readonly variant?: Variant;
  /** Whether it is run by a process that has just started. */
  readonly cold?: boolean;
  /** Arranged on a cleared slot. */
  arrange?(run: Run): unknown;
  run(run: Run): Promise<WireAnswer>;
}

/** One go of a scenario. */
export interface Run {
  readonly slot: Slot;
  readonly suite: TestSuite;
  /** A new one each time, so that no credential is handed out again. */
  readonly caller: string;
}

/** Consumers, made by `makeConsumers`. */
export const puller = "puller@customer-project.iam.gserviceaccount.com";
export const other = "other@customer-project.iam.gserviceaccount.com";
const nobody = "nobody@customer-project.iam.gserviceaccount.com";
const customer = "444455556666";

export function makeConsumers({ serviceAccount }: { serviceAccount(id: string, seed: object): string }): void {
  for (const email of [puller, other]) serviceAccount(email.replace(/@.*/, ""), { project: "customer-project" });
}

export const toPuller = access({ ...workers(customer), ...emails(puller) } satisfies GcpAccess);

const ofPuller = { grantee: `gcp:${puller}` };

const ask = ({ suite, caller }: Run, operation: string, input: object) => suite.ask(operation, input, caller);
const onRepository =
  (operation: string, more: object = {}) =>
  (run: Run) =>
    ask(run, operation, { repoId: run.slot.logical, ...more });
const create = (run: Run) => ask(run, "createRepository", { name: run.slot.logical });
const add = onRepository("addCrossAccountAccess", { access: toPuller });
const remove = onRepository("removeCrossAccountAccess", { access: toPuller });
const get = onRepository("getCrossAccountAccess");
const mint = (permissions: string, ttlSeconds = 900) =>
  onRepository("generateCredentials", { permissions, ttlSeconds });
const setUp =
  (...accesses: readonly GcpAccess[]) =>
  (run: Run) =>
    ask(run, "setupRepository", { name: run.slot.logical, access: accesses });
/** As many values as one call takes. */
const hundred = Array.from({ length: 50 }, () => [toPuller, access(emails(other))]).flat();
const event = async ({ suite, slot }: Run, time: Date): Promise<WireAnswer> => {
  const result = await suite.event({ name: slot.logical, access: [toPuller] }, time);
  return wireOf(result.outcome === "done" ? undefined : result.error);
};

/** What is arranged must have come about. */
const sure = async (answer: Promise<WireAnswer>) => {
  const { status, text } = await answer;
  if (status !== 200) throw new Error(`It could not be arranged: ${text}`);
};
const granted =
  (...accesses: readonly GcpAccess[]) =>
  async (run: Run) => {
    for (const each of accesses) await sure(onRepository("addCrossAccountAccess", { access: each })(run));
  };
/** An image, and another that is nested below it. */
const pushed = ({ slot }: Run) => {
  slot.push(slot.logical);
  slot.push(`${slot.logical}/web`);
};

/** By operation and case, as the table names them. */
export const scenarios: Readonly<Record<string, Readonly<Record<string, Scenario>>>> = {
  createRepository: {
    "a new one": { run: create },
    "of a derived registry": { variant: "derived", cold: true, run: create },
  },
  getRepository: {
    "one that was never pushed": { run: onRepository("getRepository") },
    "one that was pushed": { arrange: pushed, run: onRepository("getRepository") },
  },
  deleteRepository: {
    "one that exists": { arrange: pushed, run: onRepository("deleteRepository") },
    "one with an index": {
      arrange: ({ slot }) => slot.push(slot.logical, 2, "index"),
      run: onRepository("deleteRepository"),
    },
    "one that is gone": { arrange: ({ slot }) => slot.push("my-app/web"), run: onRepository("deleteRepository") },
    "by a new process": { cold: true, arrange: pushed, run: onRepository("deleteRepository") },
  },
  listRepositories: {
    plain: { arrange: pushed, run: (run) => ask(run, "listRepositories", {}) },
    "by a new process": { cold: true, arrange: pushed, run: (run) => ask(run, "listRepositories", {}) },
  },
  listImages: {
    plain: { arrange: pushed, run: onRepository("listImages") },
    "an image with a hundred tags": {
      arrange: ({ slot }) => slot.push(slot.logical, 100),
      run: onRepository("listImages"),
    },
    "of a repository that was never pushed": { run: onRepository("listImages") },
  },
  deleteImage: {
    "by digest": { arrange: pushed, run: onRepository("deleteImage", { reference: imageDigest }) },
    "by tag": { arrange: pushed, run: onRepository("deleteImage", { reference: "tag-1" }) },
    "one that is gone": {
      arrange: pushed,
      run: onRepository("deleteImage", { reference: `sha256:${"0".repeat(64)}` }),
    },
  },
  generateCredentials: {
    pull: { run: mint("pull") },
    "push-pull": { run: mint("push-pull") },
    "once more": { arrange: (run) => sure(mint("pull")(run)), run: mint("pull") },
    "by a new process": { cold: true, run: mint("pull") },
    "where Google's clock is behind": { run: mint("pull", 3_600) },
    "of a derived registry": { variant: "derived", cold: true, run: mint("pull") },
  },
  addCrossAccountAccess: {
    "a new grant": { arrange: granted(emails(other)), run: add },
    "a grant that is there": { arrange: granted(toPuller), run: add },
    "of an account that does not exist": { run: onRepository("addCrossAccountAccess", { access: emails(nobody) }) },
    "by a new process": { cold: true, arrange: granted(emails(other)), run: add },
    "of a derived registry": { variant: "derived", run: add },
  },
  removeCrossAccountAccess: {
    "one of two grants": { arrange: granted(toPuller, emails(other)), run: remove },
    "the last grant": { arrange: granted(toPuller), run: remove },
    "a grant of an account that was deleted": {
      arrange: ({ slot }) => slot.addMembers(reader, `deleted:serviceAccount:${puller}?uid=104711`),
      run: remove,
    },
    "a grant that is not there": { arrange: granted(emails(other)), run: remove },
  },
  getCrossAccountAccess: {
    plain: { arrange: granted(emails(other)), run: get },
    "by a new process": { cold: true, arrange: granted(emails(other)), run: get },
  },
  listGranteeAccess: {
    plain: { arrange: granted(toPuller, emails(other)), run: (run) => ask(run, "listGranteeAccess", ofPuller) },
  },
  removeGranteeAccess: {
    "one of two consumers": {
      arrange: granted(toPuller, emails(other)),
      run: (run) => ask(run, "removeGranteeAccess", ofPuller),
    },
    "whom nobody let in": { arrange: granted(emails(other)), run: (run) => ask(run, "removeGranteeAccess", ofPuller) },
  },
  setupRepository: {
    "a new one, with access": { run: setUp(toPuller) },
    "a new one, with a hundred accesses": { run: setUp(...hundred) },
    "an event, with access": { run: (run) => event(run, new Date()) },
    "an event that comes too late": { run: (run) => event(run, new Date(Date.now() - 3_700_000)) },
  },
  describeRegistry: {
    plain: { run: (run) => ask(run, "describeRegistry", {}) },
    "without bound accounts": { variant: "unbound", run: (run) => ask(run, "describeRegistry", {}) },
  },
};
