import { type WireAnswer, wireOf } from "../../../support/suite.ts";
import { home, replicas } from "../calls.golden.ts";
import { type ApplicationName, type Applications, regions, type Slot } from "./bench.ts";
import { A, B } from "./consumers.ts";
import { access } from "./registry.ts";

/** How a row of the table comes about. */
export interface Scenario {
  readonly application?: ApplicationName;
  /** Arranged on an empty slot, by means that no fault hits. */
  arrange?(run: Run): Promise<unknown>;
  run(run: Run): Promise<WireAnswer>;
}

/** One go of a scenario. */
export interface Run {
  readonly slot: Slot;
  readonly applications: Applications;
  readonly application: ApplicationName;
  /** A new one each time, so that no credential is handed out again. */
  readonly caller: string;
}

/** A statement of somebody else, which no operation may touch. */
export const theirs = {
  Sid: "Theirs",
  Effect: "Allow",
  Principal: { AWS: "arn:aws:iam::999900001111:root" },
  Action: "ecr:DescribeImages",
};
const earlier = {
  Sid: "CrossAccountRolePermission",
  Effect: "Allow",
  Principal: { AWS: `arn:aws:iam::${B}:root` },
  Action: ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
};
const toA = access({ accountIds: [A], regions: [home], allowedServiceTypes: ["worker"] });
const toB = access({ accountIds: [B] });

const ask = ({ applications, application, caller }: Run, operation: string, input: object) =>
  applications[application].ask(operation, input, caller);
const onRepository =
  (operation: string, more: object = {}) =>
  (run: Run) =>
    ask(run, operation, { repoId: run.slot.name, ...more });
const add = onRepository("addCrossAccountAccess", { access: toA });
const remove = onRepository("removeCrossAccountAccess", { access: toA });
const create = (run: Run) => ask(run, "createRepository", { name: run.slot.logical });
const setUp =
  (...accesses: readonly object[]) =>
  (run: Run) =>
    ask(run, "setupRepository", { name: run.slot.logical, access: accesses });
/** As many values as one call takes: functions of two accounts in fifty regions. */
const hundred = Array.from({ length: 50 }, (_, index) => [`us-east-${index + 1}`]).flatMap((inRegion) =>
  [A, B].map((account) => access({ accountIds: [account], regions: inRegion, allowedServiceTypes: ["worker"] })),
);
const mint = (permissions: string, ttlSeconds?: number) =>
  onRepository("generateCredentials", { permissions, ...(ttlSeconds !== undefined && { ttlSeconds }) });

/** The repository and its replicas, with a statement of others. */
const exists = async ({ slot }: Run) => {
  slot.make(...regions);
  slot.setPolicy([theirs]);
};
const bare = async ({ slot }: Run) => slot.make(...regions);
const grantedTo =
  (...accesses: readonly object[]) =>
  async (run: Run) => {
    await exists(run);
    for (const each of accesses) await sure(onRepository("addCrossAccountAccess", { access: each })(run));
  };
/** Granted to somebody, then deleted by hand at home. */
const goneAtHome = async (run: Run) => {
  await bare(run);
  await sure(add(run));
  run.slot.lose(home);
};
/** What is arranged must have come about. */
const sure = async (answer: Promise<WireAnswer>) => {
  const { status, text } = await answer;
  if (status !== 200) throw new Error(`It could not be arranged: ${text}`);
};
const event = async ({ applications, application, slot }: Run, time: Date): Promise<WireAnswer> => {
  const data = { name: slot.logical, access: [toA] };
  const result = await applications[application].event(data, time);
  return wireOf(result.outcome === "done" ? undefined : result.error);
};
const replicated = async ({ applications, application, slot }: Run): Promise<WireAnswer> => {
  return wireOf(await applications[application].replicated(slot.name, replicas[0]));
};

/** By operation and case, as the table names them. */
export const scenarios: Readonly<Record<string, Readonly<Record<string, Scenario>>>> = {
  createRepository: {
    "a new one": { run: create },
    "one that exists": { arrange: exists, run: create },
    "a new one, with keepLast": { application: "keepLast", run: create },
    "one that exists, with keepLast": { application: "keepLast", arrange: create, run: create },
  },
  getRepository: {
    "one that exists": { arrange: exists, run: onRepository("getRepository") },
    "one that does not": { run: onRepository("getRepository") },
  },
  deleteRepository: {
    "one that exists": { arrange: grantedTo(toA), run: onRepository("deleteRepository") },
    "one that is gone": { run: onRepository("deleteRepository") },
    "without a lease table": { application: "noTable", arrange: exists, run: onRepository("deleteRepository") },
  },
  generateCredentials: {
    pull: { arrange: exists, run: mint("pull") },
    "push-pull": { arrange: exists, run: mint("push-pull", 900) },
    "once more": { arrange: mint("pull"), run: mint("pull") },
    "for longer than the role allows": { application: "noTable", arrange: exists, run: mint("pull", 7_200) },
  },
  addCrossAccountAccess: {
    "a new grant": { arrange: grantedTo(toB), run: add },
    "a grant that is there": { arrange: grantedTo(toA), run: add },
    "before there are replicas": { arrange: async ({ slot }) => slot.make(home), run: add },
    "adopting an earlier tool's statement": {
      async arrange(run) {
        await exists(run);
        await sure(remove(run));
        run.slot.setPolicy([theirs, earlier]);
      },
      run: add,
    },
    "of a repository that does not exist": { run: add },
    "of a repository that is gone at home": { arrange: goneAtHome, run: add },
  },
  removeCrossAccountAccess: {
    "one of two grants": { arrange: grantedTo(toA, toB), run: remove },
    "the last grant": {
      async arrange(run) {
        await bare(run);
        await sure(add(run));
      },
      run: remove,
    },
    "a grant that is not there": { arrange: grantedTo(toB), run: remove },
    "of a repository that is gone at home": { arrange: goneAtHome, run: remove },
  },
  getCrossAccountAccess: {
    plain: { arrange: grantedTo(toB), run: onRepository("getCrossAccountAccess") },
    "without a lease table": { application: "noTable", arrange: exists, run: onRepository("getCrossAccountAccess") },
  },
  setupRepository: {
    "a new one, with access": { run: setUp(toA) },
    "a new one, with a hundred accesses": { run: setUp(...hundred) },
    "an event, with access": { run: (run) => event(run, new Date()) },
    "an event that comes too late": {
      async arrange(run) {
        await grantedTo(toA, toB)(run);
        await sure(remove(run));
      },
      run: (run) => event(run, new Date(Date.now() - 3_000_000)),
    },
  },
  describeRegistry: {
    plain: { run: (run) => ask(run, "describeRegistry", {}) },
    "without bound roles": { application: "noRoles", run: (run) => ask(run, "describeRegistry", {}) },
  },
  listImages: { "a page": { arrange: exists, run: onRepository("listImages") } },
  deleteImage: {
    "an image, or a tag": { arrange: exists, run: onRepository("deleteImage", { reference: "1.0" }) },
  },
  "replication event": {
    "of a new replica": {
      async arrange(run) {
        run.slot.make(home);
        run.slot.setPolicy([theirs]);
        await sure(add(run));
        run.slot.make(replicas[0]);
      },
      run: replicated,
    },
    "once more": { arrange: grantedTo(toA), run: replicated },
  },
};
