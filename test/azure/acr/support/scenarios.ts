import { awsAccess } from "../../../support/inputs.ts";
import { type TestSuite, type WireAnswer, wireOf } from "../../../support/suite.ts";
import { imageDigest, type Slot, theirs, type Variant } from "./bench.ts";

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

const ask = ({ suite, caller }: Run, operation: string, input: object) => suite.ask(operation, input, caller);
const onRepository =
  (operation: string, more: object = {}) =>
  (run: Run) =>
    ask(run, operation, { repoId: run.slot.logical, ...more });
const create = (run: Run) => ask(run, "createRepository", { name: run.slot.logical });
const get = onRepository("getRepository");
const remove = onRepository("deleteRepository");
const mint = (permissions: string) => onRepository("generateCredentials", { permissions });
const setUp =
  (more: object = {}) =>
  (run: Run) =>
    ask(run, "setupRepository", { name: run.slot.logical, ...more });
const event = async ({ suite, slot }: Run, time: Date): Promise<WireAnswer> => {
  const result = await suite.event({ name: slot.logical }, time);
  return wireOf(result.outcome === "done" ? undefined : result.error);
};

/** What is arranged must have come about. */
const sure = async (answer: Promise<WireAnswer>) => {
  const { status, text } = await answer;
  if (status !== 200) throw new Error(`It could not be arranged: ${text}`);
};
const created = (run: Run) => sure(create(run));
/** Images, and others that are nested below. */
const pushed = async (run: Run) => {
  await created(run);
  run.slot.push(run.slot.repository);
  run.slot.push(`${run.slot.repository}/web`);
};
const drifted = async (run: Run) => {
  await created(run);
  run.slot.setScopeMap({ actions: [`repositories/${run.slot.repository}/content/read`] });
};
const taken = ({ slot }: Run) =>
  slot.setScopeMap({ description: theirs.description, actions: ["repositories/images/other/content/read"] });

/** By operation and case, as the table names them. */
export const scenarios: Readonly<Record<string, Readonly<Record<string, Scenario>>>> = {
  createRepository: {
    "a new one": { run: create },
    "one that is there": { arrange: created, run: create },
    "one whose scope map has other actions": { arrange: drifted, run: create },
    "one whose scope map is somebody else's": { arrange: taken, run: create },
    "by a new process": { cold: true, run: create },
    "of a derived registry, by a new process": { cold: true, variant: "derived", run: create },
  },
  getRepository: {
    "one that was created": { arrange: created, run: get },
    "one that was only pushed to": { arrange: ({ slot }) => slot.push(slot.repository), run: get },
    "one that is not there": { arrange: ({ slot }) => slot.push(`${slot.repository}/web`), run: get },
  },
  deleteRepository: {
    "one with images": { arrange: pushed, run: remove },
    "one that is gone": { arrange: ({ slot }) => slot.push(`${slot.repository}/web`), run: remove },
    "by a new process": { cold: true, arrange: pushed, run: remove },
    "of a derived registry, by a new process": { cold: true, variant: "derived", arrange: pushed, run: remove },
  },
  listRepositories: {
    plain: { arrange: pushed, run: (run) => ask(run, "listRepositories", {}) },
    "by a new process": { cold: true, arrange: pushed, run: (run) => ask(run, "listRepositories", {}) },
  },
  listImages: {
    plain: { arrange: pushed, run: onRepository("listImages") },
    "of one without images": { arrange: created, run: onRepository("listImages") },
  },
  deleteImage: {
    "by digest": { arrange: pushed, run: onRepository("deleteImage", { reference: imageDigest }) },
    "by tag": { arrange: pushed, run: onRepository("deleteImage", { reference: "1.0" }) },
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
    "by a new process that is not told the login server": { cold: true, variant: "unnamed", run: mint("pull") },
    "of a derived registry, by a new process": { cold: true, variant: "derived", run: mint("pull") },
  },
  setupRepository: {
    "a new one": { run: setUp() },
    "an event": { run: (run) => event(run, new Date()) },
    "an event that comes too late": { run: (run) => event(run, new Date(Date.now() - 3_700_000)) },
    "with access, which Azure knows none of": { run: setUp({ access: [awsAccess] }) },
  },
  addCrossAccountAccess: {
    "which Azure knows none of": { run: onRepository("addCrossAccountAccess", { access: awsAccess }) },
  },
  describeRegistry: { plain: { run: (run) => ask(run, "describeRegistry", {}) } },
};
