import fc from "fast-check";
import { everyRegion, home, replicaRegions } from "./cloud.ts";
import { type AccessName, accesses, type RefusableName, refusable, theirs } from "./consumers.ts";

/** Which of two processes does it: one with the newest binding, or one that still holds an older one. */
export type By = "new" | "old";

interface ByProcess {
  readonly by: By;
  /** The call after which the process dies; absent where it lives. */
  readonly dies?: number | undefined;
}

/** One thing that happens. What it has no object for at its moment does not happen. */
export type Command =
  | ({ readonly does: "provision"; readonly regions: readonly string[] } & ByProcess)
  /** The functions get the binding that was answered last. */
  | { readonly does: "deploy"; readonly which: "new" | "both" }
  | ({ readonly does: "add"; readonly access: AccessName } & ByProcess)
  | ({ readonly does: "remove"; readonly access: AccessName } & ByProcess)
  | ({ readonly does: "create" } & ByProcess)
  | ({ readonly does: "delete" } & ByProcess)
  | { readonly does: "get"; readonly by: By }
  /** A set-up event is sent and delivered. */
  | ({ readonly does: "set up"; readonly access: readonly AccessName[] } & ByProcess)
  /** One that was sent earlier comes again: the first, the second, … of them all, and from the first again. */
  | ({ readonly does: "replay"; readonly event: number } & ByProcess)
  /** An image is pushed, and arrives in the regions one after another. */
  | { readonly does: "push" }
  | { readonly does: "arrive" }
  | ({ readonly does: "tell"; readonly event: number } & ByProcess)
  /** In the console. */
  | { readonly does: "lose"; readonly region: string }
  /** `anew`: in the place of the one that is there. */
  | {
      readonly does: "make";
      readonly region: string;
      readonly policy: "none" | "theirs" | "ours";
      readonly anew: boolean;
    }
  | { readonly does: "write"; readonly region: string; readonly statement: keyof typeof theirs }
  | { readonly does: "refuse"; readonly whom: RefusableName; readonly region?: string | undefined }
  | { readonly does: "reopen"; readonly whom: RefusableName }
  | { readonly does: "settle"; readonly by: By };

export interface Sequence {
  /** Whether the binding is derived, or set. */
  readonly derived: boolean;
  readonly regions: readonly string[];
  readonly commands: readonly Command[];
}

const by = fc.oneof({ arbitrary: fc.constant<By>("new"), weight: 3 }, { arbitrary: fc.constant<By>("old"), weight: 1 });
const dies = fc.option(fc.integer({ min: 1, max: 14 }), { nil: undefined, freq: 4 });
const regions = fc.subarray([...replicaRegions]);
/** Most sequences begin with replicas. */
const someRegions = fc.oneof(regions, fc.subarray([...replicaRegions], { minLength: 1 }));
const anyRegion = fc.oneof(fc.constant(home), fc.constantFrom(...everyRegion));
const access = fc.constantFrom(...(Object.keys(accesses) as AccessName[]));
const whom = fc.constantFrom(...(Object.keys(refusable) as RefusableName[]));
const event = fc.nat({ max: 5 });
const does = <const Does extends Command["does"]>(word: Does) => fc.constant(word);

const kinds: readonly { readonly arbitrary: fc.Arbitrary<Command>; readonly weight: number }[] = [
  { weight: 12, arbitrary: fc.record({ does: does("add"), access, by, dies }) },
  { weight: 8, arbitrary: fc.record({ does: does("remove"), access, by, dies }) },
  { weight: 3, arbitrary: fc.record({ does: does("provision"), regions, by, dies }) },
  { weight: 3, arbitrary: fc.record({ does: does("deploy"), which: fc.constantFrom("new", "both") }) },
  { weight: 1, arbitrary: fc.record({ does: does("create"), by, dies }) },
  { weight: 1, arbitrary: fc.record({ does: does("delete"), by, dies }) },
  { weight: 1, arbitrary: fc.record({ does: does("get"), by }) },
  { weight: 2, arbitrary: fc.record({ does: does("set up"), access: fc.array(access, { maxLength: 2 }), by, dies }) },
  { weight: 2, arbitrary: fc.record({ does: does("replay"), event, by, dies }) },
  { weight: 3, arbitrary: fc.record({ does: does("push") }) },
  { weight: 4, arbitrary: fc.record({ does: does("arrive") }) },
  { weight: 4, arbitrary: fc.record({ does: does("tell"), event, by, dies }) },
  { weight: 2, arbitrary: fc.record({ does: does("lose"), region: anyRegion }) },
  {
    weight: 4,
    arbitrary: fc.record({
      does: does("make"),
      region: anyRegion,
      policy: fc.constantFrom("none", "theirs", "ours"),
      anew: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      does: does("write"),
      region: anyRegion,
      statement: fc.constantFrom(...(Object.keys(theirs) as (keyof typeof theirs)[])),
    }),
  },
  { weight: 6, arbitrary: fc.record({ does: does("refuse"), whom, region: fc.option(anyRegion, { nil: undefined }) }) },
  { weight: 2, arbitrary: fc.record({ does: does("reopen"), whom }) },
  { weight: 2, arbitrary: fc.record({ does: does("settle"), by }) },
];

export const sequences: fc.Arbitrary<Sequence> = fc.noBias(
  fc.record({
    derived: fc.boolean(),
    regions: someRegions,
    commands: fc.array(fc.oneof(...kinds), { minLength: 1, maxLength: 30, size: "max" }),
  }),
);
