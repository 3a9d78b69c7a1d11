import type { Call } from "../../../core/call.ts";
import type { Acquired } from "./acquire.ts";
import { lost, stale, tooLate, wasAnswered } from "./errors.ts";
import { readIntents, readRecord } from "./item.ts";
import type { Held, LeaseRecord, Packing, Plan } from "./lease.ts";
import { type Intent, inOrder, settle } from "./settle.ts";
import type { LeaseStore } from "./store.ts";

/** A lease while `work` runs, and what is known about its writes. */
export interface Holding {
  readonly repository: string;
  readonly acquired: Acquired;
  readonly held: Held;
  readonly known: LeaseRecord | undefined;
  /** What edits that crashed had set out to do. */
  readonly unfinished: readonly Intent[];
  /** Whether a document may have been changed. */
  begun(): boolean;
  /** Whether a revocation of a crashed edit was found to have taken effect. */
  revoked(): boolean;
  /** Whether a write may still be on its way to the platform. `failure` is what `work` threw, if it did. */
  mayLandLate(failure?: unknown): boolean;
}

/** @throws UNEXPECTED_RESPONSE_FORMAT where the item cannot be read */
export function hold(store: LeaseStore, packing: Packing, repository: string, acquired: Acquired, call: Call): Holding {
  const known = readRecord(acquired.before, packing);
  const unfinished = readIntents(acquired.before);
  const writes = writing(call, () => acquired.left());
  let revoked = false;

  const held: Held = {
    ...(known && { record: known }),
    guard: writes.guard,
    write: writes.write,
    async settle(own, adopted = []) {
      const [ours, theirs] = [new Set(own), new Set(adopted)];
      const settled = settle(known?.grants, unfinished, ours, theirs);
      revoked ||= settled.revoked;
      // After a crash these would stand in our own form, and nobody would know why.
      const unknown = known ? [...theirs].filter((grant) => !known.grants.includes(grant)) : [];
      if (unknown.length > 0) {
        const written = await store.change(repository, acquired.owner, {}, call, intentsOf({ adds: unknown }));
        if (!written.held) throw lost(repository);
      }
      return settled.grants;
    },
    refuseStale() {
      refuseStale(call, revoked ? call.now() : known?.lastRevoked);
    },
  };

  const { begun, mayLandLate } = writes;
  return { repository, acquired, held, known, unfinished, begun, mayLandLate, revoked: () => revoked };
}

/** @throws RESOURCE_CONFLICT for an event that is not younger than the last revocation */
export function refuseStale(call: Call, lastRevoked: Date | undefined): void {
  if (call.asOf && lastRevoked && call.asOf.getTime() <= lastRevoked.getTime()) throw stale();
}

interface Writing extends Pick<Held, "guard" | "write">, Pick<Holding, "begun" | "mayLandLate"> {}

/**
 * The writes of one edit.
 *
 * @param left milliseconds that are left for them
 */
export function writing(call: Call, left: () => number): Writing {
  // Writes that were only guarded: how they went is known by how `work` ends.
  let guarded = 0;
  let sent = 0;
  let answered = 0;

  const isLate = (timeoutMs: number) => call.signal.aborted || left() <= timeoutMs;

  return {
    guard(timeoutMs) {
      if (isLate(timeoutMs)) throw tooLate();
      guarded++;
      return timeoutMs;
    },
    async write(what, timeoutMs, send) {
      const attempt = async (signal: AbortSignal) => {
        // Told by a value, since `call.upstream` would try again what cannot succeed any more.
        if (isLate(timeoutMs)) return undefined;
        sent++;
        try {
          const answer = await send(signal);
          answered++;
          return { answer };
        } catch (error) {
          if (wasAnswered(error)) answered++;
          throw error;
        }
      };
      const done = isLate(timeoutMs) ? undefined : await call.upstream(what, attempt, { timeoutMs });
      if (!done) throw tooLate();
      return done.answer;
    },
    begun: () => guarded + sent > 0,
    mayLandLate: (failure) => sent > answered || (failure !== undefined && guarded > 0 && !wasAnswered(failure)),
  };
}

/** A plan that names more than this is written down as one for everything: it must fit into the item. */
const longestPlan = 100;

export function intentsOf({ adds = [], removes = [] }: Plan): readonly Intent[] {
  const short = (grants: readonly string[]) => (grants.length > longestPlan ? ["*"] : grants);
  return inOrder([...short(adds).map((grant) => `+${grant}`), ...short(removes).map((grant) => `-${grant}`)]);
}
